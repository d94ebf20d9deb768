"""AI-generated images as build outputs: declared in a manifest, bought once, proved fresh in CI.

    import assetgen

    report = assetgen.build("assets.yaml", draft=True)
    print(report.exit_code, report.spent_usd)

The public names are resolved on first use, so that importing the package costs nothing.
"""

from assetgen._version import __version__ as __version__

_HOMES = {
    "AssetgenError": "errors",
    "ManifestFaults": "errors",
    "Plan": "core.report",
    "Project": "core.model",
    "Report": "core.report",
    "Session": "session",
    "Settings": "session",
    "build": "session",
    "check": "session",
    "load": "session",
    "plan": "session",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the names are strings in a table


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'assetgen' has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - not needed by who only asks for the version

    return getattr(importlib.import_module(f"assetgen.{_HOMES[name]}"), name)
