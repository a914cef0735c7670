"""What must hold of a set of packs as a whole. A set that breaks it is refused, with the file and the line."""

from __future__ import annotations

from compliance.policy.pack import Pack, PackRefused, Rule
from compliance.policy.reach import check_reach
from compliance.policy.reading import Lines
from compliance.policy.vocabulary import EFFECTS, OBJECTIVES, OBSERVED
from compliance.subjects.values import NON_PROFILED


def check_whole(packs: tuple[Pack, ...]) -> None:
    """Refuse a set without a base or without defaults, or with a rule that cannot be meant. Raises PackRefused.

    `packs` stand in the order in which equally strict rules yield to each other.
    """
    bases = [pack for pack in packs if pack.modes]
    if len(bases) != 1:
        where = f"{bases[1].name}.toml, line {_line(bases[1], 'modes')}: " if bases else ""
        raise PackRefused(
            f"{where}{len(bases)} packs say what the feed modes are made of: exactly one must ([modes.*])."
        )
    _check_base(bases[0])
    _check_defaults(packs, bases[0])
    _check_once(packs)
    _check_defaults_exist(packs, bases[0])
    check_reach(packs)


def _check_base(base: Pack) -> None:
    for name in ("slate_size", "pool_size"):
        if getattr(base, name) < 1:
            raise _refuse(base, "limits", f"there is no {name} under [limits]: every list has an end.")
    if missing := sorted(set(OBJECTIVES) - set(base.objectives)):
        raise _refuse(base, "objectives", f"there are no weights for {missing[0]}: add [objectives.{missing[0]}].")
    for mode in NON_PROFILED:
        if mode not in base.modes:
            raise _refuse(base, "modes", f"there is no [modes.{mode}]: every non-profiled order is offered.")
        if seen := sorted(set(base.modes[mode].features) & set(OBSERVED)):
            raise _refuse(
                base, f"modes.{mode}", f"[modes.{mode}] reads {seen}: a non-profiled order reads nothing observed."
            )


def _check_defaults(packs: tuple[Pack, ...], base: Pack) -> None:
    always = {name for pack in packs for rule in pack.rules if unconditional(pack, rule) for name in rule.effects}
    needed = {name for name, effect in EFFECTS.items() if effect.everything is None}
    if missing := sorted(needed - always):
        raise _refuse(
            base,
            "rule",
            f"no rule that always applies says {missing[0]}: add a default, or some request would have no plan.",
        )


def _check_once(packs: tuple[Pack, ...]) -> None:
    seen: dict[str, Pack] = {}
    for pack in packs:
        for rule in pack.rules:
            if rule.id in seen:
                raise PackRefused(f"{pack.name}.toml, line {rule.line}: there is a rule {rule.id} already.")
            seen[rule.id] = pack


def _check_defaults_exist(packs: tuple[Pack, ...], base: Pack) -> None:
    for pack in packs:
        for rule in pack.rules:
            mode = rule.effects.get("default_mode", "")
            if mode and mode not in base.modes:
                raise PackRefused(
                    f"{pack.name}.toml, line {rule.line}: rule {rule.id} makes {mode!r} the default, and "
                    f"{base.name}.toml does not say what it is made of: add [modes.{mode}], or name another."
                )


def unconditional(pack: Pack, rule: Rule) -> bool:
    """Whether a rule applies in every state and at every time."""
    always = rule.status == "in_force" and rule.starts is None and rule.ends is None
    return always and not rule.when and not pack.jurisdictions


def _refuse(pack: Pack, word: str, sentence: str) -> PackRefused:
    return PackRefused(f"{pack.name}.toml, line {_line(pack, word)}: {sentence}")


def _line(pack: Pack, word: str) -> int:
    return Lines(pack.name, pack.text).of(word)
