"""What the chaos benches conclude from what they saw: a torn line is no acknowledgement, a loss is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.chaos.history import Acknowledged, History, read
from bench.chaos.judge import Judgement
from bench.chaos.marks import recovery_seconds
from bench.kills import EVENTS_A_SECOND, SWEPT_SECONDS, missed, rate

WHOLE = Judgement(
    acknowledged={"event": 9, "decision": 9, "slate": 1, "reaction": 1},
    lost=0,
    duplicated=0,
    unlogged=0,
    faults=(),
    undone=0,
    root_is_signed=True,
    leaves=19,
    unacknowledged=0,
)


class Seen:
    """What a watch saw: nothing but the given histories."""

    def marks(self, history: list[Acknowledged]) -> dict[str, list[tuple[float, float]]]:
        found: dict[str, list[tuple[float, float]]] = {"slate": [], "decision": [], "checkpoint": [], "work": []}
        for answer in history:
            found[answer.kind].append((answer.began, answer.ended))
        return found


def acknowledged(kind: str, began: float, ended: float, count: int = 1) -> Acknowledged:
    return Acknowledged(kind=kind, began=began, ended=ended, ids=("x",) * count)


def test_a_history_holds_what_was_added_and_not_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "one.history"
    History(path).add("event", 1.0, 2.0, ["a", "b"])
    with path.open("a") as file:
        file.write("event 3.000000 4.0")
    assert list(read(tmp_path)) == [Acknowledged(kind="event", began=1.0, ended=2.0, ids=("a", "b"))]


def test_recovery_ends_with_the_last_thing_that_works_again_and_began_after_the_kill() -> None:
    history = [
        acknowledged("slate", 9.0, 10.5),  # begun before: it proves nothing
        acknowledged("slate", 11.0, 12.0),
        acknowledged("decision", 10.5, 14.0),
    ]
    took = recovery_seconds([(10.0, "web, all of it")], history, Seen())  # type: ignore[arg-type]
    assert took == {"web, all of it": [(4.0, "decision")]}


def test_what_never_came_back_took_for_ever() -> None:
    took = recovery_seconds([(10.0, "worker")], [], Seen())  # type: ignore[arg-type]
    assert took == {"worker": [(float("inf"), "work")]}


def test_the_rate_counts_decisions_and_acts_up_to_the_last_kill() -> None:
    history = [acknowledged("decision", 0, 1, 30), acknowledged("event", 0, 2, 20), acknowledged("event", 9, 11, 99)]
    assert rate(history, 0.0, 10.0) == 5.0


def test_each_missed_target_is_named_and_a_whole_run_misses_none() -> None:
    assert missed(WHOLE, EVENTS_A_SECOND, SWEPT_SECONDS) == []
    wrong = [
        (replace(WHOLE, lost=3), "3 acknowledged were lost"),
        (replace(WHOLE, unlogged=2), "2 are not in the log"),
        (replace(WHOLE, duplicated=1), "1 are there more than once"),
        (replace(WHOLE, faults=("Leaf 7 differs.",)), "Leaf 7 differs."),
        (replace(WHOLE, root_is_signed=False), "do not hash to the signed root"),
        (replace(WHOLE, undone=4), "4 pieces of outbox work"),
    ]
    for judgement, sentence in wrong:
        found = missed(judgement, EVENTS_A_SECOND, SWEPT_SECONDS)
        assert len(found) == 1
        assert sentence in found[0]
    assert "999 events a second" in missed(WHOLE, EVENTS_A_SECOND - 1, 0.0)[0]
    assert "121 s" in missed(WHOLE, EVENTS_A_SECOND, SWEPT_SECONDS + 1)[0]
