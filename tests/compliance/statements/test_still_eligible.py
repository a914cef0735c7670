"""A minor's slate whose items changed while it was made is seen before it is recorded."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from compliance.policy.types import Plan
from compliance.serving.restricting import Decided, still_eligible
from compliance.statements.models import Kind
from compliance.statements.services import decide
from ranking.catalogue.models import Item
from tests.compliance.plans import plan_of
from tests.compliance.statements.conftest import SERVICE, Made, item_of

MINORS = plan_of(audiences=("child",), label_confidence="medium", logging="enhanced")


def slate_of(made: Made) -> list[int]:
    """Items that a child may be shown."""
    ids = [made.item.pk, *(item_of(made.creator, number).pk for number in (2, 3))]
    Item.objects.filter(id__in=ids).update(suitable_from="child", label_confidence="high")
    return ids


def asked(ids: list[int], plan: Plan = MINORS) -> bool:
    """What holds for a child in the Union now."""
    return still_eligible(ids, plan, Decided(service=SERVICE, territory="EU", audience="child", now=timezone.now()))


def test_what_did_not_change_stays_and_costs_one_query(made: Made, django_assert_num_queries: Any) -> None:
    ids = slate_of(made)
    with django_assert_num_queries(1):
        assert asked(ids)
    with django_assert_num_queries(0):
        assert asked(ids, plan_of(logging="standard"))


@pytest.mark.parametrize(
    "change",
    [
        {"suitable_from": "adult"},
        {"suitable_from": ""},
        {"label_confidence": "low"},
        {"unsafe": ["violence"]},
        {"is_active": False},
    ],
    ids=["stricter", "unlabelled", "unsure", "unsafe", "withdrawn"],
)
def test_what_changed_while_the_slate_was_made_is_seen(made: Made, change: dict[str, Any]) -> None:
    ids = slate_of(made)
    assert asked(ids)
    Item.objects.filter(pk=ids[-1]).update(**change)
    assert not asked(ids)


def test_a_decision_that_was_taken_meanwhile_is_seen(made: Made) -> None:
    ids = slate_of(made)
    decide(service=SERVICE, new=made.new(kind=Kind.REMOVED, amount=None, item_id=ids[0]))
    assert not asked(ids)
