"""How lines become plain text and HTML, the same for letters and digests."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from notifications.language import FIRST_STRONG_ISOLATE, POP_ISOLATE

WIDTH: Final = 72
"""Characters in a line of a text part."""


def filled(line: str, hang: str = "") -> str:
    """textwrap.fill for lines that are clean already, at a sixth of its time."""
    if len(line) <= WIDTH:
        return line
    rows: list[str] = []
    row = ""
    for word in line.split(" "):
        if row and len(row) + 1 + len(word) > WIDTH:
            rows.append(row)
            row = f"{hang}{word}"
        else:
            row = f"{row} {word}" if row else word
    return "\n".join([*rows, row])


def html_templates(folder: Path) -> Environment:
    """Templates of HTML in this folder: everything is escaped, and a missing value is an error."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["said"] = said
    return environment


def inlined(html: str) -> str:
    """
    The page with its classes written into its tags.

    What stands in an at-rule stays in the head, for the mail programs that look there.
    """
    from css_inline import CSSInliner  # noqa: PLC0415 - a run without mail need not load it

    inliner = CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)
    return inliner.inline(html)


def said(line: str) -> Markup:
    """A line as HTML; the marks that keep directions apart become tags."""
    spelt = escape(line)
    if FIRST_STRONG_ISOLATE not in line:
        return spelt
    tagged = str(spelt).replace(FIRST_STRONG_ISOLATE, "<bdi>").replace(POP_ISOLATE, "</bdi>")
    return Markup(tagged)  # noqa: S704 - escaped above; only our own two tags were added
