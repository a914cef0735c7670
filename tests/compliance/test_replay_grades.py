"""Replays say which grade held: integrity, the same slate, the same bits, or scores that are close enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from compliance.audit.canonical import exact
from compliance.audit.heads import LogPlace
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.services import erase
from compliance.audit.log.commitment import commit
from compliance.audit.log.note import SigningKey
from compliance.audit.models import LogCheckpoint, LogEntry, LogQueue, ServeRecord, SubjectKey
from compliance.audit.selectors import document_of
from compliance.audit.sequencer import assign, publish
from compliance.serving.replay import Grade, Replay, Replayer
from compliance.serving.replay.integrity import Commitments, SignedTree
from compliance.serving.replay.scores import largest_difference
from compliance.subjects.services import choose_feed
from ranking.serving.environment import environment
from ranking.serving.local import user_states
from tests.compliance.replayed import committed_anew, named, replay, rewritten
from tests.compliance.test_door import serve_on
from tests.conftest import World

Document = dict[str, Any]


@pytest.fixture
def record(world: World) -> ServeRecord:
    """The record of one personalised slate."""
    return ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)


def elsewhere(document: Document) -> Document:
    """The same record, made on a processor of another kind."""
    return {**document, "environment": {**document["environment"], "cpu_capability": "OTHER"}}


def scored_place(document: Document) -> Document:
    """A place of the slate that has scores."""
    found: Document = next(item for item in document["output"]["items"] if not item["explored"])
    return found


def moved(document: Document, by: float) -> Document:
    """The same record with one head's score moved."""
    scores = scored_place(document)["scores"]
    head = min(scores)
    scores[head] = exact(float.fromhex(scores[head]) + by)
    return document


def test_the_same_bits_in_the_same_environment_are_grade_r2(record: ServeRecord) -> None:
    outcome = replay(record)
    assert (outcome.grade, outcome.promised, outcome.kept) == (Grade.R2, Grade.R2, True)
    assert outcome.largest_difference == 0.0
    assert str(outcome) == "R2 held, R2 promised, scores within 0"


def test_a_record_from_another_environment_promises_close_scores(record: ServeRecord) -> None:
    committed_anew(record, elsewhere(document_of(record)))
    outcome = replay(record)
    assert (outcome.grade, outcome.promised, outcome.kept) == (Grade.R3, Grade.R3, True)
    assert outcome.environment_differs == ("cpu_capability",)


@pytest.mark.parametrize(("by", "grade"), [(5e-6, Grade.R3), (-5e-6, Grade.R3), (2e-5, Grade.R1), (-2e-5, Grade.R1)])
def test_close_means_within_a_hundred_thousandth(record: ServeRecord, by: float, grade: Grade) -> None:
    committed_anew(record, moved(elsewhere(document_of(record)), by))
    outcome = replay(record)
    assert outcome.grade is grade
    assert outcome.kept == (grade is Grade.R3)
    assert outcome.largest_difference == pytest.approx(abs(by), rel=1e-2)


def test_a_close_score_is_not_enough_where_the_same_bits_were_promised(record: ServeRecord) -> None:
    committed_anew(record, moved(document_of(record), 5e-6))
    outcome = replay(record)
    assert (outcome.grade, outcome.promised, outcome.kept) == (Grade.R3, Grade.R2, False)


def test_a_score_that_is_gone_is_no_close_score(record: ServeRecord) -> None:
    document = elsewhere(document_of(record))
    scored_place(document)["scores"] = None
    committed_anew(record, document)
    outcome = replay(record)
    assert (outcome.grade, outcome.largest_difference, outcome.kept) == (Grade.R1, math.inf, False)


def test_no_number_is_no_close_score(record: ServeRecord) -> None:
    document = elsewhere(document_of(record))
    scored_place(document)["blended"] = "nan"
    committed_anew(record, document)
    assert replay(record).grade is Grade.R1


def test_seconds_are_close_by_their_size() -> None:
    def output(seconds: float) -> Document:
        return {"items": [{"item_id": 1, "scores": {"watched": exact(seconds)}, "blended": None}]}

    assert largest_difference(output(600.0), output(600.003)) == pytest.approx(5e-6, rel=1e-3)


@pytest.mark.parametrize("place", [elsewhere, dict])
def test_another_order_of_the_same_items_is_another_slate(
    record: ServeRecord, place: Callable[[Document], Document]
) -> None:
    document = place(document_of(record))
    items = document["output"]["items"]
    items[0]["item_id"], items[1]["item_id"] = items[1]["item_id"], items[0]["item_id"]
    committed_anew(record, document)
    outcome = replay(record)
    assert (outcome.grade, outcome.kept) == (Grade.R0, False)
    assert "output.items[0].item_id" in named(outcome)


def test_the_same_slate_by_another_rule_is_grade_r1(record: ServeRecord) -> None:
    document = document_of(record)
    committed_anew(record, {**document, "plan": {**document["plan"], "slate_size": 999}})
    outcome = replay(record)
    assert (outcome.grade, outcome.kept) == (Grade.R1, False)
    assert "plan.slate_size" in named(outcome)


def test_nothing_holds_when_bytes_are_not_what_was_committed_to(record: ServeRecord) -> None:
    rewritten(record, document_of(record))  # the same words, sealed anew
    outcome = replay(record)
    assert (outcome.grade, outcome.kept) == (Grade.NONE, False)
    assert named(outcome).startswith("commitment")
    assert not outcome.identical


def test_nothing_holds_when_the_salt_was_changed(record: ServeRecord) -> None:
    for salt in (bytes(32), b"short"):
        ServeRecord.objects.filter(id=record.id).update(salt=salt)
        outcome = replay(record)
        assert (outcome.grade, outcome.kept) == (Grade.NONE, False)
        assert named(outcome).startswith("commitment")


def test_nothing_holds_when_the_log_knows_nothing_of_a_record(record: ServeRecord) -> None:
    LogQueue.objects.all().delete()
    outcome = replay(record)
    assert outcome.grade is Grade.NONE
    assert "neither in the log nor waiting" in named(outcome)


def test_a_model_that_does_not_fit_leaves_integrity(record: ServeRecord, settings: Any) -> None:
    settings.DEVICE = "cpu float32 unheard-of"
    environment.cache_clear()
    try:
        outcome = replay(record)
    finally:
        environment.cache_clear()
    assert (outcome.grade, outcome.kept) == (Grade.R0, False)
    assert named(outcome).startswith("model:")


def test_a_list_that_nothing_scored_promises_the_same_bits_anywhere(world: World) -> None:
    choose_feed(subject=world.subject("alex"), surface="home", feed_mode="newest")
    record = ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)
    committed_anew(record, elsewhere(document_of(record)))
    outcome = replay(record)
    assert (outcome.grade, outcome.promised, outcome.largest_difference) == (Grade.R2, Grade.R2, None)


def test_an_erased_person_is_no_error_and_the_commitment_still_verifies(record: ServeRecord) -> None:
    erase(pseudonym=record.pseudonym, by=SUBJECT, why="asked to")
    outcome = replay(record)
    assert (outcome.grade, outcome.promised, outcome.kept, outcome.erased) == (Grade.R0, Grade.R0, True, True)
    assert str(outcome) == "R0 held: erased, commitment verified"
    assert not outcome.identical
    body = bytearray(record.body)
    body[-1] ^= 1
    ServeRecord.objects.filter(id=record.id).update(body=bytes(body))
    outcome = replay(record)
    assert (outcome.grade, outcome.kept, outcome.erased) == (Grade.NONE, False, True)


def test_a_changed_key_is_named_and_stops_no_other_replay(world: World, record: ServeRecord) -> None:
    other = ServeRecord.objects.get(id=serve_on(world.subject("sam")).serve_id)
    SubjectKey.objects.filter(pseudonym=record.pseudonym).update(wrapped=bytes(60))
    one, two = Replayer().replay_all([record, other])
    assert one.grade is Grade.NONE
    assert "record body" in named(one)
    assert two.grade is Grade.R2


def test_a_slate_that_was_scored_over_a_small_cache_promises_close_scores_only(world: World, settings: Any) -> None:
    def forget() -> None:
        environment.cache_clear()
        user_states.cache_clear()

    forget()
    settings.USER_CACHE_PRECISION = "int8"
    try:
        serve_on(world.subject("alex"))
        again = serve_on(world.subject("alex"))  # over what the cache gave back
        outcome = replay(ServeRecord.objects.get(id=again.serve_id))
    finally:
        forget()
    assert (outcome.only_close, outcome.promised) == (("cache_dtype int8",), Grade.R3)
    assert not outcome.kept  # 8 bits are further off than that, which is why the reference has 32


KEY = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())


@pytest.fixture(name="place")
def _place(world: World, tmp_path: Path) -> LogPlace:
    """A signed log of five slates, two events in each leaf."""
    for name in ("alex", "sam", "kim", "alex", "sam"):
        serve_on(world.subject(name))
    place = LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())
    assign(batch=2)
    assert publish(place, KEY) is not None
    return place


def under(place: LogPlace) -> list[Replay]:
    """Replays of all records, each of which must be under the signed tree."""
    return list(Replayer(place=place).replay_all(ServeRecord.objects.order_by("id")))


def test_records_under_the_signed_tree_replay_in_their_order(place: LogPlace) -> None:
    outcomes = under(place)
    assert [outcome.serve_id for outcome in outcomes] == [
        str(one) for one in ServeRecord.objects.order_by("id").values_list("id", flat=True)
    ]
    assert {outcome.grade for outcome in outcomes} == {Grade.R2}


def test_a_record_and_a_commitment_that_were_changed_together_are_not_under_the_signed_tree(place: LogPlace) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    document = document_of(record)
    rewritten(record, document)
    record.refresh_from_db()
    again = commit(record.id, bytes(record.salt), bytes(record.body))
    LogEntry.objects.filter(event_id=record.id).update(digest=again)
    assert replay(record).grade is Grade.R2  # by the database alone
    assert "signed tree" in named(under(place)[0])
    assert [under(place)[number].grade for number in (0, -1)] == [Grade.NONE, Grade.R2]


def test_a_changed_tile_is_named_by_every_record_under_it(place: LogPlace) -> None:
    tile = next(place.folder.glob("tile/0/*.p/*"))
    content = bytearray(tile.read_bytes())
    content[0] ^= 1
    tile.write_bytes(content)
    assert all("signed tree" in named(outcome) for outcome in under(place)[1:])


def test_a_checkpoint_that_nobody_signed_proves_nothing(place: LogPlace) -> None:
    LogCheckpoint.objects.update(note="")
    assert all("signed tree" in named(outcome) for outcome in under(place))


def test_a_record_that_waits_for_its_leaf_is_whole_until_it_is_overdue(place: LogPlace, world: World) -> None:
    record = ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)
    assert Replayer(place=place).replay(record).kept
    LogCheckpoint.objects.all().delete()
    old = ServeRecord.objects.order_by("id")[0]
    tree, now = SignedTree(place), timezone.now()
    assert list(tree.faults(old, Commitments.of([old]))) == []
    later = SignedTree(place, now=now + timedelta(minutes=2))
    assert [fault.what for fault in later.faults(old, Commitments.of([old]))] == ["signed tree"]
