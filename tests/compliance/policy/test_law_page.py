"""docs/law.md names, row by row, the rules of the packs and the invariants that are proved: no more, no fewer."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from compliance.policy.checking.check import PARTS
from compliance.policy.checking.invariants import TOTAL, UNKNOWN
from compliance.policy.policy_set import shipped

ROOT: Final = Path(__file__).resolve().parents[3]
ROWS: Final = [line.split("|") for line in (ROOT / "docs" / "law.md").read_text(encoding="utf-8").splitlines()]


def column(number: int) -> dict[str, set[str]]:
    """What a column names in code marks, by row."""
    named = {row[1].strip(): set(re.findall(r"`([^`]+)`", row[number])) for row in ROWS if len(row) > 6}
    return {row: ids for row, ids in named.items() if ids}


def test_each_rule_stands_in_its_rows() -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for pack in shipped("platform").packs:
        for rule in pack.rules:
            for row in rule.row.split(", ") if rule.row else ():
                said[row].add(rule.id)
    assert column(4) == said


def test_each_invariant_stands_in_its_rows() -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for one in (*(each for part in PARTS for each in part.invariants), TOTAL, UNKNOWN):
        for row in one.row.split(", "):
            said[row].add(one.id)
    assert column(5) == said


def test_every_place_that_it_names_is_there() -> None:
    for places in column(6).values():
        for place in places:
            if "/" in place:
                assert (ROOT / place).exists(), place
