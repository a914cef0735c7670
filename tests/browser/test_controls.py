"""The page of controls in a browser: no axe violation, narrow and dark, by keyboard, with and without JavaScript."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from compliance.subjects import offered
from compliance.subjects.controls import follow, set_control
from compliance.subjects.services import hide_item
from ranking.catalogue.models import Item
from tests.browser.conftest import Open
from tests.browser.test_accessible import too_wide
from tests.compliance.controls.made import peopled
from tests.conftest import World

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")])
def test_no_state_of_the_page_breaks_wcag_22_aa(world: World, open_browser: Open, width: int, scheme: Scheme) -> None:
    creators, alex = peopled(world), world.subject("alex")
    offered.forget()
    follow(subject=alex, creator_id=creators[0].pk, close=True)
    follow(subject=alex, topic="Comedy")
    for kind, target, value in (("topic", "Horror", "mute"), ("keyword", "film 7", "mute"), ("signal", "likes", "off"),
                                ("objective", "shorter", "2")):  # fmt: skip
        set_control(subject=alex, kind=kind, target=target, value=value)
    hide_item(subject=alex, item_id=Item.objects.order_by("id")[5].pk)
    walker, broken = open_browser(width=width, color_scheme=scheme), []
    walker.sign_in("alex", world.password)
    walker.page.get_by_role("link", name="All your controls").click()
    walker.page.get_by_role("heading", name="Your controls").wait_for()
    broken += walker.axe() + too_wide(walker)
    walker.shoot(f"controls-{scheme}-{width}", full=True)
    walker.go(f"/items/{Item.objects.filter(creator=creators[0]).order_by('-id')[0].pk}/")
    broken += walker.axe() + too_wide(walker)
    walker.shoot(f"item-creator-{scheme}-{width}")
    walker.go("/")
    for order in ("Following", "My topics", "Something else", "Newest first"):
        walker.choose(order)
        walker.settle()
        broken += walker.axe() + too_wide(walker)
    walker.shoot(f"feed-orders-{scheme}-{width}")
    assert broken == []


def test_a_press_keeps_its_place_and_the_status_line_speaks(world: World, open_browser: Open) -> None:
    walker = open_browser()
    walker.sign_in("alex", world.password)
    walker.go("/controls/")
    button = walker.page.locator("#topics").get_by_role("button", name="Mute Drama")
    button.press("Enter")
    walker.page.locator("#topics").get_by_role("button", name="Mute Drama", pressed=True).wait_for()
    walker.settle()
    assert "your next list follows it" in walker.page.get_by_role("status").inner_text()
    assert walker.page.evaluate("document.activeElement.innerText").startswith("Mute")
    walker.page.keyboard.press("Enter")
    walker.page.locator("#topics").get_by_role("button", name="Mute Drama", pressed=False).wait_for()
    walker.go("/")
    assert len(walker.titles()) == 12


def test_everything_works_without_javascript(world: World, open_browser: Open) -> None:
    walker = open_browser(java_script_enabled=False)
    walker.sign_in("alex", world.password)
    walker.go("/controls/")
    walker.page.locator("#pause").get_by_role("button", name="Paused", exact=False).last.click()
    walker.page.locator("#pause").get_by_role("button", pressed=True, name="Paused").wait_for()
    walker.page.get_by_label("Word or phrase").fill("cup")
    walker.page.locator("#keyword-mute").click()
    walker.page.locator("#words").get_by_text("cup", exact=True).first.wait_for()
    walker.page.locator("#start-again").get_by_role("button", name="Start again").click()
    walker.page.get_by_text("You started again").wait_for()


def test_the_question_under_a_list_breaks_nothing_narrow_and_dark(
    world: World, open_browser: Open, settings: Any
) -> None:
    settings.SURVEY_SHARE = 1.0
    walker = open_browser(width=320, color_scheme="dark")
    walker.sign_in("alex", world.password)
    walker.page.locator("#survey-4").click()
    walker.page.locator("#survey-none").wait_for()
    assert walker.axe() + too_wide(walker) == []
    walker.shoot("survey-dark-320", full=True)
    walker.page.locator("#survey-none").click()
    walker.page.get_by_text("Your answer is taken back").wait_for()
