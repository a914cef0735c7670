"""`manage.py essential`: two people declare and end what everyone needs, and everybody can list it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from compliance.serving.types import Slate
from ranking.catalogue.models import Essential, Item
from tests.acts import latest
from tests.compliance.test_door import serve_on
from tests.conftest import World

PEOPLE = ("--by", "one operator", "--approved-by", "another", "--why", "flood warning")


def essential(*words: str) -> Any:
    """What the command says, as one document."""
    out = StringIO()
    call_command("essential", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def declare(item: Item, *more: str) -> Any:
    """Declare a safety notice for two hours, changed: the last of two equal options counts."""
    plain = ("--item", str(item.pk), "--kind", "safety", "--hours", "2")
    return essential("declare", *plain, *PEOPLE, *more)


@pytest.fixture(name="item")
def _item(world: World) -> Item:
    return Item.objects.filter(service=world.service, suitable_from="child").order_by("id")[0]


def first(slate: Slate) -> tuple[int, str]:
    return slate.items[0].item_id, slate.items[0].source


def test_a_notice_is_declared_served_listed_and_ended(world: World, item: Item) -> None:
    made = declare(item)
    notice = Essential.objects.get(pk=made["notice"])
    assert notice.ends_at - notice.starts_at == timedelta(hours=2)
    assert (notice.declared_by, notice.approved_by, notice.reason) == ("one operator", "another", "flood warning")
    assert (latest("essential") or {})["act"] == "declared"
    assert first(serve_on(world.subject("alex"))) == (item.pk, "essential")
    assert [one["notice"] for one in essential("list")["notices"]] == [notice.pk]
    ended = essential("end", str(notice.pk), *PEOPLE)
    assert ended["ends_at"] < made["ends_at"]
    assert first(serve_on(world.subject("alex")))[1] != "essential"
    assert essential("list") == {"notices": []}
    assert [one["notice"] for one in essential("list", "--all")["notices"]] == [notice.pk]


def test_it_says_so_in_words(item: Item) -> None:
    out = StringIO()
    call_command("essential", "list", stdout=out)
    assert out.getvalue() == "No notice stands.\n"
    declare(item, "--region", "DE")
    call_command("essential", "list", stdout=out)
    words = f"a safety notice: item {item.pk}, DE, from "
    assert words in out.getvalue()
    assert "declared by one operator, approved by another (flood warning)" in out.getvalue()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--approved-by", "One Operator"), "no second person"),
        (("--why", " "), "a reason"),
        (("--kind", "weather"), "is no kind of notice"),
        (("--hours", "0"), "more than 0"),
        (("--hours", "nan"), "more than 0"),
        (("--hours", "inf"), "more than 0"),
        (("--hours", "721"), "at most 30 days"),
        (("--kind", "breaking", "--hours", "49"), "at most 2 days"),
        (("--item", "0"), "no active item"),
        (("--region", "x" * 17), "at most 16 letters"),
    ],
    ids=["one person", "no reason", "kind", "none", "nan", "inf", "month", "days", "item", "region"],
)
def test_what_is_no_notice_is_refused_with_status_2(item: Item, wrong: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words) as failed:
        declare(item, *wrong)
    assert failed.value.returncode == 2
    assert not Essential.objects.exists()


def test_a_notice_of_another_service_is_neither_listed_nor_ended(item: Item, settings: Any) -> None:
    made = declare(item)
    settings.SERVICE = "elsewhere.example"
    assert essential("list", "--all") == {"notices": []}
    with pytest.raises(CommandError, match="no notice"):
        essential("end", str(made["notice"]), *PEOPLE)


def test_nobody_ends_one_alone(item: Item) -> None:
    made = declare(item)
    with pytest.raises(CommandError, match="no second person"):
        essential("end", str(made["notice"]), "--by", "one", "--approved-by", "one", "--why", "it is over")
