"""A page of words laid out twice: as text in lines of 72 characters, and as HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Template

from notifications.mark_up import WIDTH, filled, html_templates, inlined

TEMPLATES: Final = Path(__file__).parent / "templates"
FRAME: Final = "message"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One line of running text, or the lines of a list."""

    lines: tuple[str, ...]
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """
    Where to answer by a link: the words around it, the address, and a shorter way for each verb.

    `label` and `note` are the words of the HTML, `line` those of the text. `verbs` are pairs of a
    label and an address, and stand in the HTML alone; without any, the link is a plain one.
    """

    label: str
    note: str
    line: str
    url: str
    verbs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One item: its heading, its facts, what is said about it, and where to answer."""

    heading: str
    facts: tuple[str, ...]
    paragraphs: tuple[Paragraph, ...]
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What both parts of the mail say, before either is laid out."""

    language: str
    direction: str
    subject: str
    marker: str
    opening: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    closing: tuple[Paragraph, ...]
    footer: tuple[Paragraph, ...]


def lines(said: str) -> Iterator[str]:
    """The lines of a block that hold anything, without the spaces around them."""
    return (stripped for line in said.split("\n") if (stripped := line.strip()))


def paragraphs(said: str) -> tuple[Paragraph, ...]:
    """Paragraphs stand between empty lines; a line that begins with "- " is a line of a list."""
    found: list[Paragraph] = []
    for block in re.split(r"\n\s*\n", said):
        running: list[str] = []
        listed: list[str] = []
        for line in lines(block):
            if line.startswith("- "):
                listed.append(line[2:])
            elif listed:
                listed[-1] = f"{listed[-1]} {line}"
            else:
                running.append(line)
        if running:
            found.append(Paragraph((" ".join(running),), listed=False))
        if listed:
            found.append(Paragraph(tuple(listed), listed=True))
    return tuple(found)


def as_text(page: Page) -> str:
    """The page as it is read where there is no HTML."""
    parts = [page.marker, *map(_text_of, page.opening)]
    for section in page.sections:
        rule = "-" * min(len(section.heading), WIDTH)
        facts = [filled(line) for line in section.facts]
        parts.append("\n".join([section.heading, rule, *facts]))
        parts += map(_text_of, section.paragraphs)
        if section.link:
            # The address has a line of its own, and is never cut in two.
            parts.append(f"{filled(section.link.line)}\n{section.link.url}")
    parts += map(_text_of, page.closing)
    return "\n\n".join([*parts, "--", *map(_text_of, page.footer)]) + "\n"


def as_html(page: Page) -> str:
    """The page as mail programs show it: styled in its tags, fetching nothing."""
    return _html_frame().render(page=page)


def _text_of(paragraph: Paragraph) -> str:
    if paragraph.listed:
        return "\n".join(filled(f"- {line}", hang="  ") for line in paragraph.lines)
    return filled(paragraph.lines[0])


@lru_cache
def _html_frame() -> Template:
    # The frame is a page of HTML before its blanks are filled in: its styles go into its tags
    # once for all messages.
    source = inlined((TEMPLATES / FRAME / "frame.html").read_text("utf-8"))
    return html_templates(TEMPLATES).from_string(source)
