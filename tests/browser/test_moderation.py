"""A moderator works the queue and takes a decision: no axe violation and nothing cut off, light and dark, no script."""

from __future__ import annotations

import pytest

from compliance.labels.services import label_from_catalogue, read_all
from ranking.catalogue.models import Item
from tests.browser.conftest import Open
from tests.browser.test_accessible import Scheme, too_wide
from tests.conftest import World
from tests.host.statement_people import people

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_from_the_queue_to_a_label_and_a_decision(world: World, open_browser: Open, width: int, scheme: Scheme) -> None:
    they = people(world)
    they.users["nils"].set_password(world.password)
    they.users["nils"].save()
    film = Item.objects.create(
        service=world.service, external_id="walk", title="Прогулка", published_at=they.item.published_at
    )
    label_from_catalogue(
        service=world.service, certificates={film.pk: ("mpaa", "G")}, genres={}, by="import", why="a test"
    )
    read_all(service=world.service, budget_s=60)
    walker = open_browser(width=width, color_scheme=scheme)
    broken: list[str] = []

    def look(name: str) -> None:
        walker.page.locator("h1").wait_for()
        broken.extend(walker.axe() + too_wide(walker))
        walker.shoot(f"moderation-{name}-{scheme}-{width}", full=True)

    walker.sign_in("nils", world.password)
    walker.page.get_by_role("link", name="Complaints").click()
    walker.page.get_by_role("link", name="Items that wait for a person").click()
    look("items")
    walker.page.get_by_role("link", name="Прогулка").click()
    look("item")
    walker.page.get_by_label("What you found").select_option("clear")
    walker.page.get_by_label("Why").fill("It is a walk in a park.")
    walker.page.get_by_role("button", name="Put it on record").click()
    walker.page.get_by_text("What you found is on record").wait_for()
    look("labelled")
    walker.page.get_by_role("link", name="Take a decision").click()
    look("decide")
    walker.page.locator("form").evaluate_all("forms => forms.forEach(form => { form.noValidate = true })")
    walker.page.get_by_role("button", name="Take the decision").click()
    walker.page.get_by_text("Nothing was stored").wait_for()
    look("refused")
    walker.complaints = [one for one in walker.complaints if "400" not in one]  # the refused form is one, on purpose
    assert broken == []
