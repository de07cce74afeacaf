"""A real browser for the tests: Playwright drives the system's Chromium."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # Chromium's own sandbox refuses to run as root; it shows our pages only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

# How long `expect` looks again: a shared machine may be slow, and waiting is no measurement.
expect.set_options(timeout=60_000)


def press(button: Locator, within_ms: int = 60_000) -> None:
    """Press a button that sends its form, and wait until the page that answers is there."""
    with button.page.expect_navigation(timeout=within_ms):
        button.click()


# Not wider than a module: while Playwright runs, this thread has an event loop, and a test that
# calls `asyncio.run` would be refused.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches this machine only."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser: install the package chromium (looked for {', '.join(NAMES)})")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=list(FLAGS), headless=True, chromium_sandbox=False
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page without history; afterwards, nothing may have been asked of another host."""
    strangers: list[str] = []

    def watch(request: Request) -> None:
        if urlsplit(request.url).hostname not in {None, "127.0.0.1", "localhost"}:
            strangers.append(request.url)

    context = browser.new_context(locale="en-GB")
    context.on("request", watch)
    yield context.new_page()
    context.close()

    assert not strangers, "the page asked other hosts"
