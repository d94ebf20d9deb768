"""Puts the exported pictures where `page.html` asks for them; a site generator has its own way."""

import re
from pathlib import Path

HERE = Path(__file__).parent

parts = "".join(file.read_text("utf-8") for file in sorted((HERE / "parts").glob("*.html")))
found = re.finditer(r'<picture data-asset="([^"]+)">.*?</picture>', parts, re.DOTALL)
pictures = {one[1]: one[0] for one in found}
page = (HERE / "page.html").read_text("utf-8")
page = re.sub(r"<!-- picture: (\S+) -->", lambda mark: pictures[mark[1]], page)
(HERE / "public/index.html").write_text(page, "utf-8")
