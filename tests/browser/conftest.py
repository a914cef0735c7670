"""A real Chromium on the real server: what it may not do is noted while it walks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.conftest import World

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
)
VIOLATIONS: Final = """
window.cspViolations = [];
document.addEventListener("securitypolicyviolation",
    (event) => window.cspViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
AXE: Final = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
PATIENCE_S: Final = 10
WCAG_22_AA: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Playwright's loop runs in this thread, which Django would take for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@dataclass
class Walker:
    """One browser of one person, with a note of everything that should not happen."""

    page: Page
    server: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(VIOLATIONS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("request", self._watch)

    def go(self, path: str) -> None:
        """Open an address of the live server."""
        self.page.goto(self.server + path)

    def sign_in(self, name: str, password: str) -> None:
        """Sign in through the page, as a person does."""
        self.go("/accounts/login/")
        self.page.get_by_label("Email").fill(f"{name}@demo.example")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign In").click()
        self.page.get_by_role("heading", name="Your feed").wait_for()

    def sign_out(self) -> None:
        """Sign out through the page."""
        self.page.get_by_role("navigation").get_by_role("button", name="Sign out").click()
        self.page.get_by_role("heading", name="Nothing is recommended").wait_for()

    def titles(self) -> list[str]:
        """Return the titles of the list, in order."""
        return self.page.locator(".card h3").all_inner_texts()

    def heading(self) -> str:
        """Return what the list says about its order."""
        return self.page.locator("#list-heading").inner_text()

    def choose(self, order: str) -> None:
        """Press a button of the order switch and wait for the new list."""
        with self.page.expect_response("**/order/"):
            self.page.locator(".switch").get_by_role("button", name=order).click()
        self.page.locator(".switch button[aria-pressed=true]").get_by_text(order).wait_for()

    def wait(self, condition: str) -> None:
        """Wait until a condition in the page holds.

        Playwright's own way asks again from within the page, with `eval`, which our policy forbids there: whenever
        the first look came too early, that was a violation.
        """
        until = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(condition):
            assert time.monotonic() < until, f"{condition} never held on {self.page.url}"
            self.page.wait_for_timeout(20)

    def settle(self) -> None:
        """Wait until htmx has put everything in its place: before that, focus may still move."""
        self.wait("!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, .htmx-added')")

    def axe(self) -> list[str]:
        """Return the page's violations of WCAG 2.2 AA that axe can see."""
        self.page.evaluate(AXE)
        found: dict[str, Any] = self.page.evaluate(
            "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG_22_AA
        )
        return [
            f"{self.page.url}: {violation['id']}: {node['html'][:160]} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def check(self) -> None:
        """Fail if the page broke its policy, called elsewhere or complained."""
        violations = self.page.evaluate("window.cspViolations")
        assert violations == []
        assert self.complaints == []

    def forgive(self) -> None:
        """Forget what was noticed: for the test that plants it."""
        self.page.evaluate("window.cspViolations = []")
        self.complaints.clear()

    def shoot(self, name: str, *, full: bool = False) -> None:
        """Save a screenshot where CLERESTORY_SHOTS says; without it, save none."""
        if folder := os.environ.get("CLERESTORY_SHOTS"):
            for picture in self.page.locator("img").all():
                picture.scroll_into_view_if_needed()
            self.page.evaluate("window.scrollTo(0, 0)")
            self.page.mouse.move(0, 0)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=full)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console {message.type}: {message.text}")

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.server, "data:")):
            self.complaints.append(f"a request to elsewhere: {request.url}")


Open = Callable[..., Walker]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_browser(transactional_db: None, world: World, live_server: LiveServer, browser: Browser) -> Iterator[Open]:
    """Open a fresh browser profile: `open_browser(width=320, color_scheme="dark")`. Every one is checked at the end."""
    walkers: list[tuple[BrowserContext, Walker]] = []

    def fresh(*, width: int = 1280, height: int = 900, **options: Any) -> Walker:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_S * 1000)
        walker = Walker(page=context.new_page(), server=live_server.url)
        walkers.append((context, walker))
        return walker

    yield fresh
    for _, walker in walkers:
        walker.check()
    for context, _ in walkers:
        context.close()
