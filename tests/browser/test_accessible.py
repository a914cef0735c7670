"""No axe violation (WCAG 2.2 AA), light and dark, narrow and wide; and a walk by keyboard alone."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.browser.conftest import Open, Walker
from tests.conftest import World

pytestmark = pytest.mark.browser

PUBLIC = ("/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/help/")
OWN = ("/account/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/")
Scheme = Literal["light", "dark"]


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_wcag_22_aa(world: World, open_browser: Open, width: int, scheme: Scheme) -> None:
    walker = open_browser(width=width, color_scheme=scheme)
    broken: list[str] = []
    for address in PUBLIC:
        walker.go(address)
        broken += walker.axe() + too_wide(walker)
    name = f"{scheme}-{width}"
    walker.go("/")
    walker.shoot(f"landing-{name}")
    for person in ("alex", "kim"):
        walker.sign_in(person, world.password)
        broken += walker.axe() + too_wide(walker)
        walker.shoot(f"feed-{person}-{name}", full=True)
        walker.page.locator(".card").first.locator("button[value=like]").click()
        walker.page.locator(".card").nth(1).get_by_role("button", name="Not interested").click()
        walker.page.get_by_text("Hidden from your lists").first.wait_for()
        walker.page.locator(".about summary").click()
        broken += walker.axe() + too_wide(walker)
        walker.shoot(f"reacted-{person}-{name}", full=True)
        walker.page.locator(".card h3 a").first.click()
        walker.page.locator(".film").wait_for()
        broken += walker.axe() + too_wide(walker)
        walker.shoot(f"item-{person}-{name}", full=True)
        for address in OWN:
            walker.go(address)
            broken += walker.axe() + too_wide(walker)
            walker.shoot(f"{address.strip('/').replace('/', '-')}-{person}-{name}", full=True)
        walker.sign_out()
    assert broken == []


def too_wide(walker: Walker) -> list[str]:
    """Say so when a page must be scrolled sideways (WCAG 1.4.10)."""
    wide = walker.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{walker.page.url} is {wide} px too wide"] if wide > 0 else []


def focused(walker: Walker) -> str:
    """Return what has the focus, as a person would name it."""
    return str(walker.page.evaluate("(document.activeElement.innerText || document.activeElement.id || '').trim()"))


def test_a_keyboard_alone_is_enough(world: World, open_browser: Open) -> None:
    walker = open_browser()
    keyboard = walker.page.keyboard
    walker.sign_in("alex", world.password)
    walker.go("/")
    keyboard.press("Tab")
    assert focused(walker) == "Skip to the content"
    seen = []
    for _ in range(12):
        keyboard.press("Tab")
        seen.append(focused(walker))
        assert outlined(walker), f"no visible focus on {seen[-1]}"
    order = ["Clerestory", "Feed", "Account", "Sign out", "Personalised", "Newest first", "Most popular"]
    assert seen[: len(order)] == order

    # Switch by keyboard: the focus follows to the new list's heading.
    walker.page.locator("#order-newest").focus()
    with walker.page.expect_response("**/order/"):
        keyboard.press("Enter")
    walker.wait("document.activeElement.id === 'list-heading'")
    walker.settle()
    assert focused(walker) == "Not personalised: newest first"

    # Like by keyboard: the focus stays on the button that was pressed.
    like = walker.page.locator(".card").first.locator("button[value=like]")
    like.press("Space")  # focuses it first
    walker.page.locator(".card").first.locator("button.done").wait_for()
    walker.settle()
    walker.wait("document.activeElement.value === 'like'")
    assert focused(walker).startswith("Liked")


def outlined(walker: Walker) -> bool:
    """Say whether the focused element shows that it is."""
    return bool(
        walker.page.evaluate(
            "(() => { const style = getComputedStyle(document.activeElement);"
            " return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; })()"
        )
    )


def test_every_target_is_at_least_24_pixels(world: World, open_browser: Open) -> None:
    walker = open_browser(width=320)
    walker.sign_in("alex", world.password)
    small = walker.page.evaluate(
        """() => [...document.querySelectorAll("button, .bar a, .foot a, .card h3 a, summary, .next a")]
        .filter((target) => target.offsetParent)
        .map((target) => [target.innerText, target.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24)
        .map(([name, box]) => `${name} ${box.width} x ${box.height}`)"""
    )
    assert small == []


def test_the_checks_themselves_can_fail(world: World, open_browser: Open) -> None:
    """A planted picture without words, an inline style and a request to elsewhere are all noticed."""
    walker = open_browser()
    walker.go("/")
    walker.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/static/clerestory/icon.svg\">"
        '<p style="color: red">red</p><img alt="" src="http://elsewhere.example/x.png">\')'
    )
    walker.wait("window.cspViolations.length >= 2")
    assert any("image-alt" in violation for violation in walker.axe())
    assert any(violation.startswith("style-src") for violation in walker.page.evaluate("window.cspViolations"))
    assert walker.complaints
    walker.forgive()
