"""The documents as a site: `sphinx-build -W docs site`, with the packages of the extra `docs`."""

project = "assetgen"
author = "the assetgen authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["art"]
myst_heading_anchors = 3  # links to headings work as they do where the files are read in place
html_theme = "furo"
html_title = "assetgen"
html_show_sphinx = False
