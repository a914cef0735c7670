"""Special categories of personal data that no advert may be targeted by (GDPR Art. 9(1); DSA Art. 26(3), D26)."""

from __future__ import annotations

import re
from collections.abc import Collection, Set
from functools import lru_cache
from typing import Final

SPECIAL_CATEGORIES: Final = frozenset(
    {
        "racial_origin",
        "ethnic_origin",
        "race",
        "ethnicity",
        "political_opinion",
        "political_opinions",
        "politics",
        "religion",
        "religious_belief",
        "religious_beliefs",
        "philosophical_belief",
        "philosophical_beliefs",
        "trade_union",
        "trade_union_membership",
        "genetic_data",
        "genetics",
        "biometric_data",
        "biometrics",
        "health",
        "health_data",
        "sex_life",
        "sexual_orientation",
    }
)
"""Keys of predicates, as `keys_of` writes them. What else stands for one of them is declared as a proxy."""

PROXIES: Final = frozenset(
    {
        "party",
        "party_membership",
        "voting",
        "church",
        "denomination",
        "mosque",
        "synagogue",
        "native_language",
        "mother_tongue",
        "country_of_birth",
        "nationality",
        "skin_colour",
        "disability",
        "diagnosis",
        "medication",
        "pregnancy",
        "union_dues",
        "dna",
        "face_print",
        "gender_of_partner",
    }
)
"""Keys that are declared to stand for a special category: whoever adds a key of targeting looks here first."""

_KEY_ENDS = re.compile(r"[=:<>!~\[(]|\s(?:not\s+)?(?:in|is|has)\s")
_PARTS = re.compile(r"[./]")
_BETWEEN_WORDS = re.compile(r"[\s_\-]+")


@lru_cache(maxsize=10_000)
def keys_of(predicate: str) -> frozenset[str]:
    """The parts of a predicate's key, spelt one way: `Interest.Trade union = yes` has `interest` and `trade_union`."""
    key = _KEY_ENDS.split(predicate, maxsplit=1)[0]
    return frozenset(_BETWEEN_WORDS.sub("_", part.strip()).casefold() for part in _PARTS.split(key))


def touched(targeting: Collection[str], proxies: Set[str]) -> tuple[str, ...]:
    """The predicates that touch a special category or a declared proxy of one (spelt as `keys_of` spells them)."""
    return tuple(one for one in targeting if keys_of(one) & SPECIAL_CATEGORIES or keys_of(one) & proxies)
