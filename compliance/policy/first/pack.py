"""A policy pack: one readable file of rules, checked whole when it is loaded."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ranking.serving.types import Order

FEED_MODES: Final = ("personalised", "newest", "popular")
SURFACES: Final = ("home", "related")
TIERS: Final = ("child", "young_teen", "teen", "adult", "unknown")
FACTS: Final = {"tier": TIERS, "consent": ("yes", "no"), "surface": SURFACES, "ranker": ("live", "none")}
ORDERS: Final = ("score", "newest", "popular")
SOURCES: Final = ("similar", "following", "topics", "trending", "newest")
FEATURES: Final = ("history", "profile", "follows", "context", "region")
AUDIENCES: Final = ("child", "young_teen", "teen", "adult")


class PackRefused(Exception):
    """A pack breaks the form of packs; nothing of it is used."""


@dataclass(frozen=True, kw_only=True)
class ModeSpec:
    """What one feed mode is made of before any rule restricts it."""

    order: Order
    sources: dict[str, tuple[str, ...]]
    features: tuple[str, ...]
    weights: dict[str, float]
    diversity: float
    explore_probability: float
    explore_pool: int
    max_topic_share: float


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One restriction, with the law it serves. Empty `when` applies always."""

    id: str
    law: str
    words: str
    when: dict[str, tuple[str, ...]]
    forbid_modes: tuple[str, ...]
    default_mode: str
    audiences: tuple[str, ...] | None
    explore_probability: float | None

    def applies(self, facts: dict[str, str]) -> bool:
        """Say whether every named fact has one of the listed values."""
        return all(facts[name] in values for name, values in self.when.items())


@dataclass(frozen=True, kw_only=True)
class UiSpec:
    """Interface flags that hold for every slate."""

    flags: tuple[str, ...]
    rule: str
    law: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A loaded pack; `sha256` is over its bytes."""

    name: str
    version: str
    modes: dict[str, ModeSpec]
    slate_size: int
    pool_size: int
    ui: UiSpec
    rules: tuple[Rule, ...]
    content: bytes
    sha256: str


@lru_cache(maxsize=32)
def parse(content: bytes) -> Pack:
    """Parse and check a pack's bytes. Raises PackRefused with a sentence that names what is wrong."""
    try:
        raw = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackRefused(f"The pack is not valid TOML ({error}): correct the file and load it again.") from error
    try:
        pack = _pack(raw, content)
    except KeyError as error:
        raise PackRefused(f"The pack names no {error}: every pack needs it; see baseline.toml.") from error
    _check_whole(pack)
    return pack


def _pack(raw: dict[str, Any], content: bytes) -> Pack:
    _only(raw, {"pack", "version", "modes", "limits", "ui", "rule"}, "the pack")
    limits = raw["limits"]
    _only(limits, {"slate_size", "pool_size"}, "[limits]")
    return Pack(
        name=raw["pack"],
        version=raw["version"],
        modes={name: _mode(name, spec) for name, spec in raw["modes"].items()},
        slate_size=limits["slate_size"],
        pool_size=limits["pool_size"],
        ui=UiSpec(**{**raw["ui"], "flags": tuple(raw["ui"]["flags"])}),
        rules=tuple(_rule(spec) for spec in raw["rule"]),
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _mode(name: str, spec: dict[str, Any]) -> ModeSpec:
    where = f"[modes.{name}]"
    _only(
        spec,
        {
            "order",
            "sources",
            "features",
            "weights",
            "diversity",
            "explore_probability",
            "explore_pool",
            "max_topic_share",
        },
        where,
    )
    _among([name], FEED_MODES, where)
    _among([spec["order"]], ORDERS, where)
    _among(spec["features"], FEATURES, where)
    _among(spec["sources"], SURFACES, where)
    for sources in spec["sources"].values():
        _among(sources, SOURCES, where)
    return ModeSpec(
        order=spec["order"],
        sources={surface: tuple(sources) for surface, sources in spec["sources"].items()},
        features=tuple(spec["features"]),
        weights={head: float(weight) for head, weight in spec.get("weights", {}).items()},
        diversity=float(spec.get("diversity", 0.0)),
        explore_probability=float(spec.get("explore_probability", 0.0)),
        explore_pool=int(spec.get("explore_pool", 0)),
        max_topic_share=float(spec.get("max_topic_share", 1.0)),
    )


def _rule(spec: dict[str, Any]) -> Rule:
    where = f"rule {spec.get('id', 'without id')}"
    _only(
        spec,
        {"id", "law", "words", "when", "forbid_modes", "default_mode", "audiences", "explore_probability"},
        where,
    )
    for name, values in spec.get("when", {}).items():
        _among([name], FACTS, where)
        _among(values, FACTS[name], where)
    _among(spec.get("forbid_modes", []), FEED_MODES, where)
    _among([spec[key] for key in ("default_mode",) if key in spec], FEED_MODES, where)
    _among(spec.get("audiences", []), AUDIENCES, where)
    return Rule(
        id=spec["id"],
        law=spec["law"],
        words=spec["words"],
        when={name: tuple(values) for name, values in spec.get("when", {}).items()},
        forbid_modes=tuple(spec.get("forbid_modes", [])),
        default_mode=spec.get("default_mode", ""),
        audiences=tuple(spec["audiences"]) if "audiences" in spec else None,
        explore_probability=float(spec["explore_probability"]) if "explore_probability" in spec else None,
    )


def _check_whole(pack: Pack) -> None:
    ids = [rule.id for rule in pack.rules]
    if len(ids) != len(set(ids)):
        raise PackRefused("Two rules have the same id: give each rule its own.")
    if not any(not rule.when and rule.default_mode for rule in pack.rules):
        raise PackRefused("No rule without `when` names a default_mode: add one, or some request would have no plan.")
    for mode, spec in pack.modes.items():
        if missing := set(SURFACES) - set(spec.sources):
            raise PackRefused(f"[modes.{mode}] names no sources for {sorted(missing)}: every surface needs them.")
        if mode != "personalised" and set(spec.features) - {"region"}:
            raise PackRefused(f"[modes.{mode}] reads {spec.features}: a non-profiled mode reads nothing observed.")


def _only(spec: dict[str, Any], known: set[str], where: str) -> None:
    if unknown := set(spec) - known:
        raise PackRefused(f"Unknown field {sorted(unknown)[0]!r} in {where}: known are {sorted(known)}.")


def _among(values: Any, known: Any, where: str) -> None:
    for value in values:
        if value not in known:
            raise PackRefused(f"{value!r} in {where} is not one of {sorted(known)}.")
