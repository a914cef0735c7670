"""A decision taken elsewhere is read strictly: whole or not at all, and what is wrong is said by name."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.ingest.batch import MOST_NAMED, BatchRefused, read_batch
from compliance.audit.ingest.document import External, read_event
from compliance.audit.ingest.items import Wrong, _check_item, _surely_right
from tests.compliance.ingest.made_decisions import decision

NOW = int(time.time() * 1000)
DAY = 86_400_000


def read(document: Any) -> External:
    return read_event(document, service="test", source="elsewhere", now_ms=NOW)


def changed_item(**changes: Any) -> list[dict[str, Any]]:
    first, *others = decision(1, at_ms=NOW)["items"]
    return [{**first, **changes}, *others]


def test_a_decision_is_kept_as_it_was_said_with_its_source_beside_it() -> None:
    document = decision(1, at_ms=NOW)
    found = read(document)
    assert json.loads(found.content) == {**document, "service": "test", "source": "elsewhere"}
    assert (str(found.id), found.sequence, found.model_sha256) == (document["id"], 1, "ab" * 32)


@pytest.mark.parametrize("number", ["0", "0.25", "-1e-3", "+1.5", "0x1.8p-3", "-0x1.0p+0", "1.7976931348623157e308"])
def test_a_score_is_kept_as_it_was_spelt(number: str) -> None:
    found = read(decision(1, at_ms=NOW, items=1) | {"items": changed_item(scores={"like": number})})
    assert f'"like":"{number}"'.encode() in found.content


NO_NUMBERS = [
    "nan",
    "inf",
    "-Infinity",
    "1e999",
    "0x1p99999",
    "1_0",
    " 1",
    "1 ",
    "",
    "٣",
    "abc",
    "0x",
    "x",
    "1" * 33,
    "1,2",
]


@pytest.mark.parametrize("number", [*NO_NUMBERS, "1" * 33, 1, 0.5, None, True, [], {}])
def test_a_score_that_is_no_number_is_refused(number: Any) -> None:
    with pytest.raises(Wrong, match="score"):
        read(decision(1, at_ms=NOW) | {"items": changed_item(scores={"like": number})})


def test_scores_that_are_finite_alone_and_not_in_sum_are_taken() -> None:
    scores = {"like": "1.7e308", "finish": "1.7e308"}
    assert b"1.7e308" in read(decision(1, at_ms=NOW) | {"items": changed_item(scores=scores)}).content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "version"),
        ({"version": True}, "version"),
        ({"id": "018f0000-0000-4000-8000-000000000000"}, "UUIDv7"),
        ({"id": 7}, "UUIDv7"),
        ({"pseudonym": "{018f0000-0000-4000-8000-000000000000}"}, "pseudonym"),
        ({"sequence": 0}, "sequence"),
        ({"sequence": True}, "sequence"),
        ({"sequence": 2**53}, "sequence"),
        ({"served_at_ms": 1.0}, "served_at_ms"),
        ({"served_at_ms": NOW - 61_000}, "another time"),
        ({"surface": "x" * 17}, "surface"),
        ({"surface": "Home"}, "surface"),
        ({"surface": None}, "surface is not text"),
        ({"feed_mode": ""}, "feed_mode"),
        ({"tier": "grown-up"}, "tier"),
        ({"jurisdiction": "eu"}, "jurisdiction"),
        ({"jurisdiction": "EU\n"}, "jurisdiction"),
        ({"model": {}}, "model"),
        ({"model": {"name": "", "sha256": "ab" * 32}}, "name"),
        ({"model": {"name": "m", "sha256": "AB" * 32}}, "sha256"),
        ({"items": {}}, "items"),
        ({"items": [1]}, "Item 1"),
        ({"items": changed_item(rank=2)}, "rank"),
        ({"items": changed_item(rank=True)}, "rank"),
        ({"items": changed_item(item="")}, "Item 1"),
        ({"items": changed_item(item=5)}, "Item 1"),
        ({"items": changed_item(source="A")}, "source"),
        ({"items": changed_item(scores={})}, "scores"),
        ({"items": changed_item(scores={"Like": "1"})}, "scores"),
        ({"items": changed_item(propensity="0")}, "propensity"),
        ({"items": changed_item(propensity="1.01")}, "propensity"),
        ({"items": changed_item(propensity=1)}, "propensity"),
        ({"items": changed_item(more=1)}, "unknown 'more'"),
        ({"items": decision(1, items=200)["items"] * 2}, "at most 200"),
        ({"reasons": "because"}, "reasons"),
        ({"reasons": ["x" * 2001]}, "reasons"),
        ({"parameters": {"a": 1}}, "parameters"),
        ({"parameters": {"a": {"b": "c"}}}, "parameters"),
        ({"reasons": ["x" * 2000] * 32}, "32 KiB"),
        ({"reasons": ["\ud800"]}, "byte form"),
        ({"extra": 1}, "unknown 'extra'"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Wrong, match=said):
        read(decision(1, at_ms=NOW) | changes)


def test_what_is_missing_is_named() -> None:
    document = decision(1, at_ms=NOW)
    del document["tier"], document["items"]
    with pytest.raises(Wrong, match="lacks items, tier"):
        read(document)


@pytest.mark.parametrize(
    ("at_ms", "said"), [(NOW - 29 * DAY, "too late"), (NOW + 600_000, "future")], ids=["old", "future"]
)
def test_a_decision_of_another_time_is_refused(at_ms: int, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        read(decision(1, at_ms=at_ms))


def test_one_wrong_event_refuses_the_batch_and_each_is_named() -> None:
    events = [decision(number, at_ms=NOW) for number in range(1, 7)]
    events[2]["tier"], events[4]["sequence"] = "?", 0
    with pytest.raises(BatchRefused) as caught:
        read_batch(events, service="test", source="elsewhere", now_ms=NOW)
    assert [(one.place, one.id) for one in caught.value.problems] == [(2, events[2]["id"]), (4, events[4]["id"])]
    assert "2 of 6" in str(caught.value)


def test_many_wrong_events_are_counted_and_the_first_are_named() -> None:
    with pytest.raises(BatchRefused) as caught:
        read_batch([None] * 200, service="test", source="elsewhere", now_ms=NOW)
    assert (caught.value.count, len(caught.value.problems)) == (200, MOST_NAMED)


@pytest.mark.parametrize("events", [None, {}, [], "x", [{}] * 5001])
def test_a_batch_of_another_size_is_refused(events: Any) -> None:
    with pytest.raises(BatchRefused, match="1 to 5,000"):
        read_batch(events, service="test", source="elsewhere", now_ms=NOW)


def test_an_id_or_a_number_twice_in_a_batch_is_refused() -> None:
    one, other = decision(1, at_ms=NOW), decision(2, at_ms=NOW)
    for twin, said in ((one | {"sequence": 3}, "id"), (other | {"sequence": 1}, "sequence number 1")):
        with pytest.raises(BatchRefused) as caught:
            read_batch([one, twin], service="test", source="elsewhere", now_ms=NOW)
        assert caught.value.problems[0].place == 1
        assert said in caught.value.problems[0].problem


def test_a_batch_is_sorted_by_id() -> None:
    events = [decision(number, at_ms=NOW - number) for number in range(1, 20)]
    found = read_batch(events, service="test", source="elsewhere", now_ms=NOW)
    assert [one.sequence for one in found] == list(range(19, 0, -1))


odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        2,
        0.5,
        "",
        "0",
        "1",
        "0.5",
        "1,2",
        "1e999",
        "nan",
        "a",
        "A",
        "x" * 40,
        "0x1p-1",
        [],
        {},
        [1],
    ]
)
odd_scores = odd | st.dictionaries(st.sampled_from(["like", "finish", "Like", ""]), odd, max_size=3)
odd_items = st.lists(
    odd | st.fixed_dictionaries({"rank": odd, "item": odd, "source": odd, "scores": odd_scores, "propensity": odd}),
    max_size=3,
)


@given(odd_items, st.booleans())
def test_the_quick_look_takes_nothing_that_the_slow_one_refuses(items: list[Any], ranked: bool) -> None:
    if ranked:
        items = [item | {"rank": place} if isinstance(item, dict) else item for place, item in enumerate(items, 1)]
    if _surely_right(items):
        for place, item in enumerate(items, 1):
            _check_item(place, item)


def test_an_ordinary_slate_needs_the_quick_look_alone() -> None:
    assert _surely_right(decision(1)["items"])


LONG = 1_000_000


@pytest.mark.parametrize("field", ["surface", "feed_mode", "tier", "jurisdiction", "source", "scores", "propensity"])
def test_long_texts_that_are_refused_are_not_remembered(field: str) -> None:
    def refuse(number: int) -> None:
        long = f"{number}{'x' * LONG}"
        changes: dict[str, Any] = {"scores": {long: "1"}} if field == "scores" else {field: long}
        if field in ("source", "scores", "propensity"):
            changes = {"items": changed_item(**changes)}
        with pytest.raises(Wrong):
            read(decision(1, at_ms=NOW) | changes)

    refuse(0)
    tracemalloc.start()
    try:
        for number in range(1, 6):
            refuse(number)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < LONG
