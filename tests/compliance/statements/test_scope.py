"""Where and for whom a decision holds: who cannot be placed, in place or age, is never let out of a restriction."""

from __future__ import annotations

import pytest

from compliance.statements.errors import DecisionRefused
from compliance.statements.models import Kind
from compliance.statements.scope import territories_of
from compliance.statements.selectors import penalties, restricted_items
from compliance.statements.services import decide
from tests.compliance.statements.conftest import NOW, SERVICE, Made


@pytest.mark.parametrize(
    ("place", "scope", "holds"),
    [
        ("US", ("US-CA",), True),
        ("US-CA", ("US-CA",), True),
        ("US-CA", ("US",), True),
        ("US-NY", ("US-CA",), False),
        ("EU", ("DE-BY",), True),
        ("EEA", ("NO",), True),
        ("EU", ("NO",), False),
        ("DE", ("AT", "US-DE"), False),
        ("UK", ("GB-SCT",), True),
        ("EL", ("GR",), True),
        ("", ("US-CA",), True),
        ("eu", ("DE",), True),
        ("de", ("FR",), True),
        ("XX-9", ("FR",), True),
        ("other", ("FR",), True),
        ("unknown", ("FR",), True),
        ("FR", (), True),
    ],
)
def test_a_decision_holds_where_somebody_is_or_may_be(
    made: Made, place: str, scope: tuple[str, ...], holds: bool
) -> None:
    decide(service=SERVICE, new=made.new(territories=scope), now=NOW)
    acting = penalties(SERVICE, [made.item.pk], territory=place, audience="adult", now=NOW)
    assert (made.item.pk in acting) is holds


@pytest.mark.parametrize("tier", ["child", "young_teen", "teen", "unknown"])
def test_an_age_restriction_of_any_minor_holds_for_people_of_unknown_age(made: Made, tier: str) -> None:
    decide(service=SERVICE, new=made.new(kind=Kind.AGE_RESTRICTED, amount=None, tiers=(tier,)), now=NOW)
    for audience, holds in ((tier, True), ("unknown", True), ("adult", False)):
        gone = restricted_items(service=SERVICE, territory="DE", audience=audience, now=NOW)
        assert (made.item.pk in gone) is holds


def test_a_decision_for_adults_alone_does_not_hold_for_people_of_unknown_age(made: Made) -> None:
    decide(service=SERVICE, new=made.new(kind=Kind.AGE_RESTRICTED, amount=None, tiers=("adult",)), now=NOW)
    assert made.item.pk not in restricted_items(service=SERVICE, territory="DE", audience="unknown", now=NOW)


@pytest.mark.parametrize("code", ["XX", "EL", "UK", "de", "ZZ-1"])
def test_a_scope_that_would_hold_nowhere_is_refused(code: str) -> None:
    with pytest.raises(DecisionRefused, match="no territory"):
        territories_of([code])
