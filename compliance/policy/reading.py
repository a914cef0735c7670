"""From a pack's file to a pack. A file that breaks the form is refused whole, with the line and what to do."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Any, Final

from compliance.policy.pack import STATUSES, ModeSpec, Pack, PackRefused, Rule
from compliance.policy.vocabulary import EFFECTS, FACTS, FEATURES, JURISDICTIONS, OBJECTIVES, ORDERS, SOURCES
from compliance.subjects.values import FEED_MODES, SURFACES

HEAD: Final = {"pack", "title", "version", "jurisdictions", "status", "starts", "rule"}
BODY: Final = {"modes", "objectives", "limits"}
OF_A_RULE: Final = {"id", "law", "row", "words", "status", "starts", "ends", "when"}
OF_A_MODE: Final = {"order", "sources", "features", "diversity", "explore_probability", "explore_pool"}
LIMITS: Final = {"slate_size", "pool_size", "control_milli"}

Table = dict[str, Any]


class Lines:
    """Where things stand in a pack's text, for messages."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = text.splitlines()
        self.rules = [number for number, line in enumerate(self._lines, 1) if line.strip() == "[[rule]]"]

    def of(self, word: str, *, after: int = 1) -> int:
        """The first line, from a line on, that begins with a word or a table of that name; that line if none does."""
        begins = re.compile(rf"\s*\[*\"?{re.escape(word)}\b")
        found = (at for at, line in enumerate(self._lines, 1) if at >= after and begins.match(line))
        return next(found, after)

    def refuse(self, line: int, sentence: str) -> PackRefused:
        """The refusal of what stands on a line."""
        return PackRefused(f"{self._name}.toml, line {line}: {sentence}")


def read(name: str, text: str) -> Pack:
    """Read one pack. Raises PackRefused."""
    lines = Lines(name, text)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackRefused(f"{name}.toml is not valid TOML: {error}. Correct the file and load it again.") from error
    _only(lines, raw, HEAD | BODY, "the pack", 1)
    _needs(lines, raw, {"pack", "title", "version", "rule"}, "the pack", 1)
    if raw["pack"] != name:
        raise lines.refuse(lines.of("pack"), f"the pack calls itself {raw['pack']!r}: a file has its pack's name.")
    _among(lines, raw.get("jurisdictions", []), JURISDICTIONS, "jurisdictions", lines.of("jurisdictions"))
    limits = _table(lines, raw.get("limits", {}), LIMITS, "[limits]", lines.of("limits"))
    return Pack(
        name=name,
        title=_text(lines, raw, "title", 1),
        version=_text(lines, raw, "version", 1),
        jurisdictions=tuple(raw.get("jurisdictions", ())),
        rules=tuple(_rule(lines, raw, number, spec) for number, spec in enumerate(raw["rule"])),
        modes={mode: _mode(lines, mode, spec) for mode, spec in raw.get("modes", {}).items()},
        objectives={each: _weights(lines, each, spec) for each, spec in raw.get("objectives", {}).items()},
        slate_size=limits.get("slate_size", 0),
        pool_size=limits.get("pool_size", 0),
        control_milli=limits.get("control_milli", 0),
        text=text,
    )


def _rule(lines: Lines, pack: Table, number: int, spec: Table) -> Rule:
    line = lines.rules[number]
    where = f"rule {spec.get('id', 'without id')}"
    _only(lines, spec, OF_A_RULE | set(EFFECTS), where, line)
    _needs(lines, spec, {"id", "law", "words"}, where, line)
    if not str(spec["id"]).startswith(f"{pack['pack']}."):
        raise lines.refuse(lines.of("id", after=line), f"{where} does not begin with its pack's name and a dot.")
    when = _table(lines, spec.get("when", {}), set(FACTS), f"`when` of {where}", lines.of("when", after=line))
    for fact, values in when.items():
        _among(lines, values, FACTS[fact], f"{fact} in {where}", lines.of("when", after=line))
    status: Any = spec.get("status", pack.get("status", "in_force"))
    _among(lines, [status], STATUSES, f"status of {where}", lines.of("status", after=line))
    return Rule(
        id=spec["id"],
        law=_text(lines, spec, "law", line),
        row=str(spec.get("row", "")),
        words=_text(lines, spec, "words", line),
        status=status,
        starts=_day(lines, spec, "starts", line) or _day(lines, pack, "starts", 1),
        ends=_day(lines, spec, "ends", line),
        when={fact: tuple(values) for fact, values in when.items()},
        effects={name: _effect(lines, name, spec[name], where, line) for name in EFFECTS if name in spec},
        line=line,
    )


def _effect(lines: Lines, name: str, value: Any, where: str, after: int) -> Any:
    effect, line = EFFECTS[name], lines.of(name, after=after)
    if effect.combine in ("union", "meet"):
        _among(lines, value, effect.values, f"{name} of {where}", line)
        return tuple(value)
    if effect.combine == "ranked":
        _among(lines, [value], effect.values, f"{name} of {where}", line)
        return value
    low, high = effect.bounds
    number = isinstance(value, int) if effect.whole else isinstance(value, (int, float))
    if not number or isinstance(value, bool) or not low <= value <= high:
        kind = "whole number" if effect.whole else "number"
        raise lines.refuse(line, f"{name} of {where} is {value!r}: give a {kind} from {low} to {high}.")
    return value if effect.whole else float(value)


def _mode(lines: Lines, mode: str, spec: Table) -> ModeSpec:
    where, line = f"[modes.{mode}]", lines.of(f"modes.{mode}")
    _among(lines, [mode], FEED_MODES, "[modes]", line)
    _table(lines, spec, OF_A_MODE, where, line)
    _needs(lines, spec, {"order", "sources", "features"}, where, line)
    _among(lines, [spec["order"]], ORDERS, where, line)
    _among(lines, spec["features"], FEATURES, where, line)
    if missing := set(SURFACES) ^ set(spec["sources"]):
        raise lines.refuse(line, f"the sources of {where} are not those of every surface: see {sorted(missing)}.")
    for sources in spec["sources"].values():
        _among(lines, sources, SOURCES, where, line)
    return ModeSpec(
        order=spec["order"],
        sources={surface: tuple(sources) for surface, sources in spec["sources"].items()},
        features=tuple(spec["features"]),
        diversity=float(spec.get("diversity", 0.0)),
        explore_probability=float(spec.get("explore_probability", 0.0)),
        explore_pool=int(spec.get("explore_pool", 0)),
    )


def _weights(lines: Lines, objective: str, spec: Table) -> dict[str, float]:
    line = lines.of(f"objectives.{objective}")
    _among(lines, [objective], OBJECTIVES, "[objectives]", line)
    if not spec or not all(isinstance(weight, (int, float)) for weight in spec.values()):
        raise lines.refuse(line, f"[objectives.{objective}] gives no weight, or one that is no number.")
    return {head: float(weight) for head, weight in spec.items()}


def _day(lines: Lines, spec: Table, name: str, line: int) -> date | None:
    day = spec.get(name)
    if day is not None and type(day) is not date:
        raise lines.refuse(lines.of(name, after=line), f"{name} is {day!r}: write a day, such as 2027-01-25.")
    return day


def _text(lines: Lines, spec: Table, name: str, line: int) -> str:
    if not isinstance(spec[name], str) or not spec[name].strip():
        raise lines.refuse(lines.of(name, after=line), f"{name} is empty: say it in words.")
    return str(spec[name])


def _table(lines: Lines, spec: Any, known: set[str], where: str, line: int) -> Table:
    if not isinstance(spec, dict):
        raise lines.refuse(line, f"{where} is no table: write NAME = VALUE.")
    _only(lines, spec, known, where, line)
    return spec


def _only(lines: Lines, spec: Table, known: set[str], where: str, line: int) -> None:
    for name in spec:
        if name not in known:
            raise lines.refuse(lines.of(name, after=line), f"unknown field {name!r} in {where}: {_listed(known)}")


def _needs(lines: Lines, spec: Table, names: set[str], where: str, line: int) -> None:
    if missing := sorted(names - set(spec)):
        raise lines.refuse(line, f"{where} names no {missing[0]!r}: every one needs it; see baseline.toml.")


def _among(lines: Lines, values: Any, known: Any, where: str, line: int) -> None:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise lines.refuse(line, f"{where} is no list of words: {_listed(known)}")
    for value in values:
        if value not in known:
            raise lines.refuse(line, f"{value!r} in {where} is not known: {_listed(known)}")


def _listed(known: Any) -> str:
    return f"known are {', '.join(sorted(known))}."
