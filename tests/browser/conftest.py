"""A real Chromium and the gallery for every browser test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.browser.gallery import Gallery
from tests.browser.stage import Stage, stage

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE: ViewportSize = {"width": 1366, "height": 768}


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for this folder, gone before other rings run: while it lives, no other event loop may."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The one stage of the days: a test leaves the line up, the node serving and no card on the reader in the way."""
    with stage(tmp_path_factory.mktemp("days") / "world") as ready:
        yield ready


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    with Gallery() as running:
        yield running


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=SIZE)
    yield context.new_page()
    context.close()


@pytest.fixture
def plain(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that runs no script at all."""
    context = chromium.new_context(viewport=SIZE, java_script_enabled=False)
    yield context
    context.close()
