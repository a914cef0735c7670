"""Lists that are not profiled, for pairs of people with different histories: `python bench/controls.py [--check]`.

On a database of its own with a made-up world and a really trained ranker that is live. For every surface and every
order that is not profiled, both people of each pair, who declared the same and did different things, get a list
through the door. The lists must be equal, item by item, and the recorded trace of reads must hold nothing that was
observed or inferred. The same pairs in the personalised order show that their histories do make a difference.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.scratch import made_world, scratch_database
from bench.timing import Stopwatch, table, verdict

if TYPE_CHECKING:
    from compliance.subjects.models import Subject

NAMED = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, compare, print, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch, scratch_database("controls"):
        made_world(Path(scratch))
        rows, missed = measured(options.pairs)
    table(
        f"Lists of {options.pairs} pairs of people with different histories and equal declared inputs",
        ["surface", "order", "pairs", "equal lists", "observed or inferred reads", "reads", "a pair, p50 ms"],
        rows,
    )
    return verdict(missed, check=options.check)


def measured(count: int) -> tuple[list[list[str]], list[str]]:
    """The table's rows, and what is wrong."""
    from django.conf import settings
    from django.utils import timezone

    from ranking.catalogue.services import refresh_popularity
    from tests.compliance.controls.made import give_creators
    from tests.compliance.controls.pairs import everything, pair

    give_creators(settings.SERVICE)
    people = [pair(service=settings.SERVICE, number=number) for number in range(count)]
    refresh_popularity(service=settings.SERVICE, now=timezone.now())
    watch, rows, missed = Stopwatch(), [], []
    for surface, mode in [*everything(), ("home", "personalised"), ("related", "personalised")]:
        row, faults = _compared(people, surface, mode, watch)
        rows.append(row)
        missed += faults
    return rows, missed


def _compared(
    people: list[tuple[Subject, Subject]], surface: str, mode: str, watch: Stopwatch
) -> tuple[list[str], list[str]]:
    from tests.compliance.controls.pairs import READ_OF_A_PERSON, compare

    stage, found = f"{surface} {mode}", []
    for two in people:
        with watch.stage(stage):
            found.append(compare(two, surface=surface, mode=mode))
    reads = sorted({read for one in found for seen in (one.one, one.other) for read in seen.reads})
    told = [read for read in reads if read.startswith(READ_OF_A_PERSON)]
    equal = sum(one.one.items == one.other.items for one in found)
    row = [surface, mode, str(len(found)), str(equal), ", ".join(told) or "none", ", ".join(reads)]
    faults = [f"{stage}: {one.fault}" for one in found if one.fault][:NAMED]
    if mode == "personalised":
        faults = [] if equal < len(found) else [f"{stage}: no pair's lists differ, so nothing was shown"]
    return [*row, f"{watch.median(stage):.1f}"], faults


if __name__ == "__main__":
    sys.exit(main())
