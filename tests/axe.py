"""Looks at a page with axe-core: what of WCAG 2.2 AA a program can find out."""

import gzip
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "assets" / "axe-4.14.1.min.js.gz"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _source() -> str:
    return gzip.decompress(AXE.read_bytes()).decode("utf-8")


def violations(page: Page) -> list[str]:
    """What is wrong with the page as it is shown, one line each."""
    page.evaluate(_source())
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
