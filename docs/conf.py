"""The site's settings: `make site` builds it from the Markdown of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import site_pages

project = "Reverse ETL for Singer and Meltano"
copyright = "the contributors"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser", "site_pages"]
exclude_patterns = ["_build", "hub/_data", "hub/static"]
nitpicky = True

# The anchors of headings, as code hosts have them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "source_view_link": site_pages.address_of(site_pages.DOCS / "{filename}"),
    "top_of_page_buttons": ["view"],
}
