"""A creator reads a statement and complains with a file, a moderator upholds it: no axe violation, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open, Walker
from tests.browser.test_accessible import Scheme, too_wide
from tests.conftest import World
from tests.host.statement_people import people

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_from_a_statement_to_an_upheld_complaint(
    world: World, open_browser: Open, settings: Any, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    they = people(world)
    they.users["nils"].set_password(world.password)
    they.users["nils"].save()
    note = tmp_path / "note.txt"
    note.write_text("See minute 43.")
    walker = open_browser(width=width, color_scheme=scheme)
    broken: list[str] = []

    def look(name: str) -> None:
        walker.page.locator("h1").wait_for()
        broken.extend(walker.axe() + too_wide(walker))
        walker.shoot(f"statements-{name}-{scheme}-{width}", full=True)

    walker.sign_in("alex", world.password)
    walker.page.get_by_role("link", name="Decisions about your items").click()
    look("list")
    walker.page.locator(".panel h2 a").first.click()
    look("one")
    walker.page.get_by_label("What is wrong with the decision?").fill("The film shows it at minute 43, look again.")
    walker.page.get_by_label("Files that show it").set_input_files(str(note))
    walker.page.get_by_role("button", name="Send the complaint").click()
    walker.page.get_by_text("Your complaint was sent").wait_for()
    look("complained")
    walker.sign_out()
    _uphold(walker, world, look)
    walker.sign_out()
    walker.sign_in("alex", world.password)
    walker.go(f"/statements/{they.decision.id}/")
    walker.page.get_by_text("This decision was reversed").wait_for()
    look("reversed")
    assert broken == []


def _uphold(walker: Walker, world: World, look: Any) -> None:
    walker.sign_in("nils", world.password)
    walker.page.get_by_role("link", name="Complaints").click()
    look("queue")
    walker.page.locator(".panel h2 a").first.click()
    look("review")
    walker.page.get_by_label("Reasons, as the creator will read them").fill(
        "Minute 43 does show it, so it is reversed."
    )
    walker.page.get_by_role("button", name="Uphold and reverse").click()
    walker.page.get_by_text("The complaint is closed").wait_for()
