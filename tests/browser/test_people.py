"""The pages of guardians, time and age groups in a real browser: narrow, dark, and without an axe violation."""

from __future__ import annotations

import pytest

from compliance.subjects.models import Control
from tests.browser.conftest import Open
from tests.browser.test_accessible import Scheme, too_wide
from tests.conftest import World

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_guardian_child_and_closed_pages_are_accessible(
    world: World, open_browser: Open, width: int, scheme: Scheme
) -> None:
    broken: list[str] = []
    walker = open_browser(width=width, color_scheme=scheme)
    walker.sign_in("gale", world.password)
    walker.go("/account/guardians/")
    broken += walker.axe() + too_wide(walker)
    walker.shoot(f"guardian-{scheme}-{width}", full=True)
    walker.page.get_by_role("link", name="Kim").click()
    walker.page.get_by_role("button", name="Look at minutes").click()
    walker.page.get_by_role("heading", name="What you looked at").wait_for()
    broken += walker.axe() + too_wide(walker)
    walker.shoot(f"guardian-child-{scheme}-{width}", full=True)
    walker.go("/account/age/")
    broken += walker.axe() + too_wide(walker)
    walker.shoot(f"age-{scheme}-{width}", full=True)

    child = open_browser(width=width, color_scheme=scheme)
    child.sign_in("kim", world.password)
    assert "Gale looked at your minutes at" in child.page.locator("#guardian-sign").inner_text()
    child.shoot(f"sign-{scheme}-{width}")
    child.go("/account/guardians/")
    broken += child.axe() + too_wide(child)
    child.shoot(f"child-guardians-{scheme}-{width}", full=True)
    for value, guardian in (("00-12", True), ("12-24", False)):
        Control.objects.create(
            subject=world.subject("kim"), kind="limit", target="sleep", value=value, by_guardian=guardian
        )
    child.go("/")
    child.page.get_by_role("heading", name="Time to sleep").wait_for()
    broken += child.axe() + too_wide(child)
    child.shoot(f"closed-{scheme}-{width}", full=True)
    child.complaints = [one for one in child.complaints if "403" not in one]  # the closed page is one, on purpose
    assert broken == []
