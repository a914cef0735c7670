"""The scrubber's recall by kind and its precision, on the seeded set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from compliance.statements.export.scrub import find
from tests.compliance.statements.seeded import HOLDERS, seeded


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Of each kind (found whole, seeded); right and wrong finds; what was missed or found wrongly, as texts."""

    recall: dict[str, tuple[int, int]]
    right: int
    wrong: int
    missed: tuple[str, ...]
    mistaken: tuple[str, ...]

    def recall_of_known(self) -> float:
        """Over all kinds but names that nobody gave."""
        kinds = [counts for kind, counts in self.recall.items() if kind != "a stranger's name"]
        return sum(found for found, _ in kinds) / sum(total for _, total in kinds)

    def precision(self) -> float:
        """Right finds among all."""
        return self.right / (self.right + self.wrong)


def scores() -> Scores:
    """Scrub the set and count."""
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    right, wrong, missed, mistaken = 0, 0, [], []
    for one in seeded():
        finds = find(one.text, names=HOLDERS)
        if one.kind:
            total[one.kind] += 1
            covered = {place for each in finds for place in range(each.start, each.end)}
            whole = covered.issuperset(range(one.start, one.end))
            found[one.kind] += whole
            if not whole:
                missed.append(f"{one.kind}: {one.text[one.start : one.end]} in {one.text}")
        for each in finds:
            hit = each.start < one.end and one.start < each.end
            right, wrong = right + hit, wrong + (not hit)
            if not hit:
                mistaken.append(f"{each.kind}: {one.text[each.start : each.end]} in {one.text}")
    recall = {kind: (found[kind], total[kind]) for kind in total}
    return Scores(recall=recall, right=right, wrong=wrong, missed=tuple(missed), mistaken=tuple(mistaken))
