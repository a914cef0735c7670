"""The quick look at a batch takes what the slower way takes, alike, and leaves everything else to it."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.audit.ingest import scanning
from compliance.audit.ingest.batch import BatchRefused, read_batch
from compliance.audit.ingest.document import External
from compliance.audit.ingest.scanning import FEWEST, Scanned, learn, scan
from tests.compliance.ingest.made_decisions import decision

NOW = int(time.time() * 1000)


@pytest.fixture(autouse=True, scope="module")
def _knows_ordinary_batches() -> None:
    """As after a first batch, which goes the slower way."""
    scanning._Known.made_at = float("-inf")
    learn(batch())


def spelt(events: list[Any]) -> bytes:
    """As the record spells it."""
    return orjson.dumps({"events": events}, option=orjson.OPT_SORT_KEYS)


def judged(events: object) -> list[External] | str:
    """What comes of a batch: the decisions, or the refusal."""
    try:
        return read_batch(events, service="té", source="elsewhere", now_ms=NOW)
    except BatchRefused as error:
        return f"{error} {error.problems}"


def batch(*, seed: int = 0, size: int = FEWEST) -> list[dict[str, Any]]:
    return [decision(number, seed=seed, at_ms=NOW) for number in range(1, size + 1)]


def test_an_ordinary_batch_needs_the_quick_look_alone() -> None:
    data = spelt(batch(size=50))
    found = scan(data)
    assert found is not None
    assert isinstance(found["events"], Scanned)
    assert judged(found["events"]) == judged(orjson.loads(data)["events"])


def test_slates_without_scores_models_or_items_need_it_alone_too() -> None:
    events = batch()
    events[3]["items"], events[4]["model"], events[5]["reasons"] = [], None, []
    events[6]["items"][2] |= {"scores": None, "propensity": None}
    found = scan(spelt(events))
    assert found is not None
    assert judged(found["events"]) == judged(events)


STRANGE: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    -1,
    1.0,
    2**53,
    2**63,
    "",
    "a",
    "A",
    "0",
    "1",
    "1.0",
    "0.5",
    "-1",
    "1e999",
    "é",
]
STRANGE += ["nan", "1" * 33, "0." + "1" * 31, "9" * 15 + "." + "9" * 20, "0x1.8p-3", 'a"b', "a\\b", "a\nb", "x" * 129]
STRANGE += [
    "\x00",
    "\u2028",
    "😀",
    [],
    {},
    ["a"],
    {"a": "b"},
    [[]],
    {"like": "0.1"},
    {"like": 1},
    "ab" * 32,
    "EU\n",
    "teen",
]
PLACES: list[tuple[Any, ...]] = [(name,) for name in decision(1)]
PLACES += [("items", 3, name) for name in decision(1)["items"][0]] + [("items", 3), ("items", 9), ("items", 0)]
PLACES += [("items", 1, "scores", head) for head in ("like", "report", "more")]
PLACES += [("model", "name"), ("model", "sha256"), ("parameters", "weights.like"), ("parameters", "new")]
PLACES += [("reasons", 0), ("extra",)]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(STRANGE), st.integers(0, FEWEST - 1))
def test_whatever_stands_in_one_place_both_ways_say_the_same(path: tuple[Any, ...], value: Any, at: int) -> None:
    events = batch()
    inner: Any = events[at]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    if found := scan(spelt(events)):
        assert judged(found["events"]) == judged(events)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["cut", "double", "swap", "quote", "space"]))
def test_bytes_that_were_bent_are_taken_only_where_they_still_mean_the_same(seed: int, how: str) -> None:
    draw, data = random.Random(seed), spelt(batch())  # noqa: S311 - repeatable, not secret
    at = draw.randrange(len(data))
    to = min(len(data), at + draw.choice((1, 2, 7, 40, 900)))
    bent = {
        "cut": data[:at] + data[to:],
        "double": data[:to] + data[at:],
        "swap": data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :],
        "quote": data[:at] + b'"' + data[at:],
        "space": data[:at] + b" " + data[at:],
    }[how]
    if found := scan(bent):
        parsed = orjson.loads(bent)
        assert orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER) == bent
        assert judged(found["events"]) == judged(parsed["events"])


@pytest.mark.parametrize(
    "wrong", [{"served_at_ms": NOW - 61_000}, {"surface": ".x"}, {"tier": "old"}, {"jurisdiction": "E1"}]
)
def test_what_only_the_slower_way_can_name_is_named(wrong: dict[str, Any]) -> None:
    events = batch()
    events[7] |= wrong
    found = scan(spelt(events))
    assert found is not None
    assert "1 of 20" in str(judged(found["events"]))
    assert judged(found["events"]) == judged(events)


def test_an_id_twice_is_named() -> None:
    events = batch()
    events[9] |= {"id": events[2]["id"]}
    found = scan(spelt(events))
    assert found is not None
    assert "twice" in str(judged(found["events"]))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b'{"events":[]}', b'{"events":[' + b'},{"feed_mode":' * 50, spelt(batch(size=3)), b"\xff", b"[" * 99],
)
def test_other_bodies_are_left_alone(data: bytes) -> None:
    assert scan(data) is None


def test_a_batch_of_more_than_may_be_is_left_to_be_refused() -> None:
    events = [decision(number, at_ms=NOW, items=0) for number in range(1, 5_002)]
    assert scan(spelt(events)) is None


def test_a_long_text_that_almost_fits_takes_no_long_time() -> None:
    events = batch(size=400)
    events[-1]["reasons"] = ["x" * 1_999 + "\x01"]
    data = spelt(events)
    scan(data)
    started = time.perf_counter()
    assert scan(data) is None
    assert time.perf_counter() - started < 1


def numbered(number: int) -> list[dict[str, Any]]:
    """A batch with heads that no other has, as many as may be."""
    heads = [f"head-{place:02}-{number}-{time.monotonic_ns()}" for place in range(32)]
    parameters = {f"{place}{'x' * 60}{time.monotonic_ns()}": "1" for place in range(30)}
    events = batch()
    for event in events:
        event["items"] = [{**item, "scores": dict.fromkeys(heads, "0.5")} for item in event["items"][:3]]
        event["parameters"] = parameters
    return events


def test_making_an_expression_takes_no_long_time_whatever_the_first_event_names() -> None:
    scanning._Known.made_at, events = float("-inf"), numbered(0)
    started = time.process_time()
    learn(events)
    assert time.process_time() - started < 1
    assert scan(spelt(events)) is not None


def test_what_was_never_right_costs_no_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(scanning, "_pattern", lambda *shape: made.append(shape))
    scanning._Known.made_at = float("-inf")
    for number in range(5):
        events = numbered(number)
        events[-1]["tier"] = "old"
        assert scan(spelt(events)) is None
        assert "1 of 20" in str(judged(events))
    assert not made


def test_expressions_are_made_now_and_then_and_only_the_last_used_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(scanning, "_pattern", lambda *shape: made.append(shape))
    monkeypatch.setattr(scanning._Known, "patterns", OrderedDict())
    for number in range(scanning.MOST_KNOWN + 4):
        monkeypatch.setattr(scanning._Known, "made_at", float("-inf"))
        for again in range(3):
            assert isinstance(judged(numbered(10 * number + again)), list)
    assert len(made) == scanning.MOST_KNOWN + 4
    assert len(scanning._Known.patterns) == scanning.MOST_KNOWN
