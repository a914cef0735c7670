"""Where and for whom a decision holds: territories and age tiers, and when a slate falls under it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from compliance.statements.errors import DecisionRefused
from compliance.statements.export.schema import EEA, EU
from compliance.subjects.models import Tier

TERRITORY: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
UNIONS: Final = {"EU": EU, "EEA": EEA}
OTHER_NAMES: Final = {"UK": "GB", "EL": "GR"}
_COUNTRIES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "
)
COUNTRIES: Final = frozenset(_COUNTRIES.split())
"""ISO 3166-1, with XK, which is in use for Kosovo."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """The codes under which a decision holds for somebody: these, and every part of these countries."""

    codes: tuple[str, ...]
    countries: tuple[str, ...] = ()

    @property
    def parts(self) -> str:
        """What matches a list of codes, joined by commas, that names a part of one of the countries."""
        return f"(^|,)({'|'.join(self.countries)})-" if self.countries else ""


def territories_of(given: Iterable[str]) -> list[str]:
    """Codes of countries (ISO 3166-1, GR for Greece) or of their parts, in order; a union is its countries.

    Raises DecisionRefused for anything else.
    """
    codes: set[str] = set()
    for one in given:
        if one not in UNIONS and not (TERRITORY.fullmatch(one) and one[:2] in COUNTRIES):
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


def meets(territory: str) -> Places | None:
    """The places whose decisions hold for somebody in `territory`; None: every decision, whatever its territory.

    Somebody known to be somewhere in a union or a country falls under what holds in any part of it, and somebody of
    whom nothing is known, or nothing that is a place, under everything: who cannot be placed is not let out of a
    restriction.
    """
    if territory in UNIONS:
        return Places(codes=UNIONS[territory], countries=UNIONS[territory])
    country, _, part = OTHER_NAMES.get(territory, territory).partition("-")
    if country not in COUNTRIES or not TERRITORY.fullmatch(OTHER_NAMES.get(territory, territory)):
        return None
    return Places(codes=(f"{country}-{part}", country)) if part else Places(codes=(country,), countries=(country,))


def in_the_eea(territories: Iterable[str]) -> list[str]:
    """The part of a scope that the Transparency Database is told; of everywhere, all thirty countries."""
    codes = list(territories)
    return sorted(set(EEA) & {code.partition("-")[0] for code in codes}) if codes else list(EEA)
