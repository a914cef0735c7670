"""Where and for whom a decision holds: territories and age tiers, and when a slate falls under it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from compliance.statements.errors import DecisionRefused
from compliance.statements.export.schema import EEA, EU
from compliance.subjects.models import Tier

TERRITORY: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
UNIONS: Final = {"EU": EU, "EEA": EEA}


def territories_of(given: Iterable[str]) -> list[str]:
    """Codes of countries (ISO 3166-1, GR for Greece) or of their parts, in order; a union is its countries.

    Raises DecisionRefused for anything else.
    """
    codes: set[str] = set()
    for one in given:
        if one not in UNIONS and not TERRITORY.fullmatch(one):
            raise DecisionRefused(
                f"{one[:20]!r} is no territory: name countries by their two letters, EU or EEA, or none for everywhere."
            )
        codes.update(UNIONS.get(one, (one,)))
    return sorted(codes)


def tiers_of(given: Iterable[str]) -> list[str]:
    """Age tiers in their order; all of them is the same as none named. Raises DecisionRefused for an unknown one."""
    named = set(given)
    if unknown := named - set(Tier.values):
        raise DecisionRefused(f"{sorted(unknown)[0][:20]!r} is no age tier: name some of {', '.join(Tier.values)}.")
    return [] if named == set(Tier.values) else [tier for tier in Tier.values if tier in named]


def key_of(territories: Iterable[str], tiers: Iterable[str]) -> str:
    """A scope as text: equal scopes have equal keys."""
    return f"{','.join(territories)}|{','.join(tiers)}"


def meets(territory: str) -> list[str] | None:
    """The codes under which a decision holds for somebody in `territory`; None: whatever its territory.

    Somebody known to be somewhere in a union falls under what holds in any part of it, and somebody of whom nothing is
    known under everything: who cannot be placed is not let out of a restriction.
    """
    if not territory:
        return None
    if territory in UNIONS:
        return list(UNIONS[territory])
    return [territory, territory.partition("-")[0]]


def in_the_eea(territories: Iterable[str]) -> list[str]:
    """The part of a scope that the Transparency Database is told; of everywhere, all thirty countries."""
    codes = list(territories)
    return sorted(set(EEA) & {code.partition("-")[0] for code in codes}) if codes else list(EEA)
