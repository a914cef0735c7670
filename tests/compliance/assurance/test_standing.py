"""What signals say together: strictest, newest proof, month ends, leap days, and nobody grows up by a calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from compliance.assurance.standing import Signal, Standing, asked_again, month_end, standing_of

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def said(method: str, tier: str, day: int, **more: object) -> Signal:
    return Signal(method=method, tier=tier, at=START + day * DAY, **more)  # type: ignore[arg-type]


def now(*signals: Signal, day: int = 100) -> tuple[str, str]:
    standing = standing_of(signals, START + day * DAY, "UTC")
    return standing.tier, standing.assurance


def test_without_a_signal_the_tier_is_unknown() -> None:
    assert standing_of([], START, "UTC") == Standing(tier="unknown", assurance="none")


@pytest.mark.parametrize(
    ("signals", "tier", "assurance"),
    [
        ([("self_declared", "adult"), ("estimated", "teen")], "teen", "estimated"),
        ([("estimated", "teen"), ("self_declared", "adult")], "teen", "estimated"),
        ([("self_declared", "child"), ("verified", "adult")], "adult", "verified"),
        ([("verified", "adult"), ("self_declared", "child")], "child", "self_declared"),
        ([("verified", "adult"), ("guardian", "teen"), ("verified", "adult")], "adult", "verified"),
        ([("verified", "teen"), ("verified", "adult")], "adult", "verified"),
        ([("verified", "adult"), ("verified", "teen")], "teen", "verified"),
        ([("self_declared", "teen"), ("guardian", "teen")], "teen", "guardian"),
        (
            [("self_declared", "adult"), ("self_declared", "child"), ("self_declared", "adult")],
            "child",
            "self_declared",
        ),
        ([("estimated", "child"), ("decided", "teen")], "teen", "self_declared"),
        ([("decided", "teen"), ("estimated", "adult")], "teen", "self_declared"),
    ],
)
def test_the_strictest_holds_unless_a_newer_proof_or_decision_outweighs(
    signals: list[tuple[str, str]], tier: str, assurance: str
) -> None:
    assert now(*(said(method, one, day) for day, (method, one) in enumerate(signals))) == (tier, assurance)


def test_a_proof_past_its_end_does_not_count() -> None:
    proof = said("verified", "adult", 0, valid_until=START + 50 * DAY)
    assert now(proof, day=49) == ("adult", "verified")
    assert now(proof, day=50) == ("unknown", "none")
    assert now(proof, said("self_declared", "teen", 5), day=50) == ("teen", "self_declared")


@pytest.mark.parametrize("older", ["child", "teen", "adult"])
def test_what_a_proof_outweighed_does_not_come_back_when_it_ends(older: str) -> None:
    proof = said("verified", "adult", 0, valid_until=START + 50 * DAY)
    assert now(said("self_declared", older, -5), proof, day=50) == ("unknown", "none")


@pytest.mark.parametrize("method", ["verified", "estimated"])
def test_an_ended_proof_of_a_minors_tier_holds_unproved_until_something_newer_is_said(method: str) -> None:
    word = said("self_declared", "adult", -5)
    proof = said(method, "child", 0, valid_until=START + 50 * DAY, tier_expires_on=date(2039, 1, 31))
    assert now(word, proof, day=49) == ("child", method)
    assert now(word, proof, day=50) == ("child", "none")
    assert now(word, proof, said("self_declared", "adult", 60), day=400) == ("child", "none")
    assert now(word, proof, said("verified", "teen", 60), day=400) == ("teen", "verified")
    assert standing_of([word, proof], START + 400 * DAY, "UTC").valid_until is None


def test_a_standing_says_until_when_its_proofs_say_so() -> None:
    proof = said("estimated", "teen", 0, valid_until=START + 50 * DAY)
    assert standing_of([proof, said("self_declared", "teen", 1)], START + 49 * DAY, "UTC").valid_until == (
        START + 50 * DAY
    )


def test_when_the_month_has_ended_the_old_tier_holds_until_something_newer_is_said() -> None:
    child = said("self_declared", "child", 0, tier_expires_on=date(2026, 2, 28))
    before, after = said("self_declared", "young_teen", 40), said("self_declared", "young_teen", 60)
    assert now(child, day=400) == ("child", "self_declared")
    assert now(child, before, day=400) == ("child", "self_declared")
    assert now(child, after, day=400) == ("young_teen", "self_declared")


@pytest.mark.parametrize(
    ("zone", "moment", "over"),
    [
        ("UTC", datetime(2028, 2, 29, 23, 59, tzinfo=UTC), False),
        ("UTC", datetime(2028, 3, 1, tzinfo=UTC), True),
        ("Asia/Tokyo", datetime(2028, 2, 29, 15, tzinfo=UTC), True),
        ("Asia/Tokyo", datetime(2028, 2, 29, 14, 59, tzinfo=UTC), False),
        ("America/Los_Angeles", datetime(2028, 3, 1, 7, 59, tzinfo=UTC), False),
        ("America/Los_Angeles", datetime(2028, 3, 1, 8, tzinfo=UTC), True),
    ],
)
def test_a_month_ends_by_the_persons_own_calendar(zone: str, moment: datetime, over: bool) -> None:
    assert asked_again(date(2028, 2, 29), moment, zone) is over


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2028, 2, 1), date(2028, 2, 29)),
        (date(2100, 2, 1), date(2100, 2, 28)),
        (date(2026, 12, 31), date(2026, 12, 31)),
    ],
)
def test_a_month_ends_on_its_last_day(day: date, end: date) -> None:
    assert month_end(day) == end


def test_an_adult_is_never_asked_again_by_calendar() -> None:
    assert standing_of([said("self_declared", "adult", 0)], START, "UTC").expires_on is None
    assert not asked_again(None, START, "UTC")
