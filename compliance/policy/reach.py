"""Rules that cannot be meant: that never apply, contradict another of their pack, or never decide anything.

All of it is exact over every state of the router (`boxes.py`): no state is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from compliance.policy.boxes import Box, box_of, common, covered, is_empty
from compliance.policy.compiled import MIXED, conditions, strictness
from compliance.policy.pack import Pack, PackRefused, Rule
from compliance.policy.vocabulary import EFFECTS


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A rule, where it stands, and the states in which it applies."""

    pack: Pack
    rule: Rule
    box: Box

    def refuse(self, sentence: str) -> PackRefused:
        """The refusal of this rule."""
        return PackRefused(f"{self.pack.name}.toml, line {self.rule.line}: rule {self.rule.id} {sentence}")


def check_reach(packs: tuple[Pack, ...]) -> None:
    """Refuse rules that never apply, contradict their own pack, or never decide. Raises PackRefused.

    `packs` stand in the order in which equally strict rules yield to each other (`compiled.compile_rules`).
    """
    found = [(pack, rule) for pack in packs for rule in pack.rules]
    days = tuple(sorted({day for _, rule in found for day in (rule.starts, rule.ends) if day is not None}))
    placed = [
        Placed(pack=pack, rule=rule, box=box_of(conditions(pack, rule), rule.starts, rule.ends, days))
        for pack, rule in found
    ]
    for one in placed:
        _check_applies(one)
    for one, other in combinations(placed, 2):
        if one.pack is other.pack:
            _check_once(one, other)
    deciding = [one for one in placed if one.rule.status == "in_force"]
    for pack in packs:
        _check_agrees([one for one in deciding if one.pack is pack])
    for place, one in enumerate(deciding):
        if not any(_decides(one, name, deciding[:place], deciding[place + 1 :]) for name in one.rule.effects):
            raise one.refuse(
                "never decides anything: wherever it applies, another rule is at least as strict. Make it stricter, "
                "let it apply elsewhere, or take it out."
            )


def _check_applies(one: Placed) -> None:
    if not one.rule.effects:
        raise one.refuse("decides nothing: say what follows from it, or take it out.")
    reach = one.rule.when.get("jurisdiction")
    if reach is not None and one.pack.jurisdictions and not set(reach) & set(one.pack.jurisdictions):
        raise one.refuse(f"never applies: its pack is for {', '.join(one.pack.jurisdictions)}.")
    if is_empty(one.box):
        raise one.refuse("never applies: a list under `when` is empty, or it ends before it begins.")


def _check_once(one: Placed, other: Placed) -> None:
    """The same condition twice, about the same thing: one of the two is not meant."""
    same = sorted(
        name for name in set(one.rule.effects) & set(other.rule.effects) if EFFECTS[name].combine not in MIXED
    )
    if one.box == other.box and same and one.rule.status == other.rule.status:
        raise other.refuse(
            f"overlaps {one.rule.id} (line {one.rule.line}): both have the same condition and decide {same[0]}. "
            f"Make one rule of them."
        )


def _check_agrees(of_pack: list[Placed]) -> None:
    """No pack may make an order the default where it forbids it, or leave no audience at all."""
    for one in of_pack:
        for other in of_pack:
            both = common(one.box, other.box)
            if is_empty(both):
                continue
            if _starves(one.rule, other.rule):
                raise other.refuse(
                    f"overlaps {one.rule.id} (line {one.rule.line}): no audience is named by both, so nothing could be "
                    f"shown where both apply."
                )
            mode = one.rule.effects.get("default_mode")
            if mode in other.rule.effects.get("forbid_modes", ()) and not covered(both, _over(one, of_pack)):
                raise other.refuse(
                    f"overlaps {one.rule.id} (line {one.rule.line}): one makes {mode!r} the default where the other "
                    f"forbids it. Name another default, or let them apply apart."
                )


def _starves(one: Rule, other: Rule) -> bool:
    named = one.effects.get("audiences"), other.effects.get("audiences")
    return None not in named and not set(named[0] or ()) & set(named[1] or ())


def _over(one: Placed, of_pack: list[Placed]) -> list[Box]:
    """Where a pack's own stricter default takes the place of this one."""
    effect = EFFECTS["default_mode"]
    mine = strictness(effect, one.rule.effects["default_mode"])
    others = [(each, each.rule.effects.get("default_mode")) for each in of_pack]
    return [each.box for each, mode in others if mode is not None and strictness(effect, mode) > mine]


def _decides(one: Placed, name: str, before: list[Placed], after: list[Placed]) -> bool:
    """Whether there is a state in which the plan names this rule for an effect (`merging.merge`)."""
    effect = EFFECTS[name]
    if effect.combine in MIXED:
        return True  # every rule that names something is named for it
    mine = strictness(effect, one.rule.effects[name])
    stronger = [
        other.box
        for others, tie in ((before, True), (after, False))
        for other in others
        if name in other.rule.effects
        for theirs in [strictness(effect, other.rule.effects[name])]
        if theirs > mine or (tie and theirs == mine)
    ]
    return not covered(one.box, stronger)
