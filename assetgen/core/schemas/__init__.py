"""JSON Schemas of what assetgen writes: lockfile, `--json` of each command, events, reports.

The schema of the manifest is in `manifest/schema.py`. The files in `schemas/` are made from these
functions, and a test holds them to it.
"""
