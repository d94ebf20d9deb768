"""The manifest: text to a resolved `Project`, with every fault in its place."""
