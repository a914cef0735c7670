"""What the certificates of the classification bodies say about audiences. A tier is never younger than its certificate.

Tiers here are `child` (under 13), `young_teen` (13 to 15), `teen` (16, 17) and `adult`. Where a certificate's age lies
within a tier, the item is for the next tier: a 12 is not for everybody under 13.
"""

from __future__ import annotations

from typing import Final

from ranking.catalogue.models import Audience

CHILD, YOUNG_TEEN, TEEN, ADULT = Audience.CHILD, Audience.YOUNG_TEEN, Audience.TEEN, Audience.ADULT

SYSTEMS: Final[dict[str, dict[str, Audience]]] = {
    # Motion Picture Association, Classification and Rating Rules (2020), Art. II: G all ages; PG "some material may not
    # be suitable for children"; PG-13 "may be inappropriate for children under 13"; R under 17 only with a parent;
    # NC-17 no one 17 and under. X was NC-17's name until 1990; M and GP were PG's until 1972.
    "mpaa": {
        "G": CHILD,
        "PG": YOUNG_TEEN,
        "GP": YOUNG_TEEN,
        "M": YOUNG_TEEN,
        "PG-13": YOUNG_TEEN,
        "R": ADULT,
        "NC-17": ADULT,
        "X": ADULT,
    },
    # TV Parental Guidelines (US, approved by the FCC in 1998, FCC 98-35): TV-Y all children; TV-Y7 from 7; TV-G
    # general; TV-PG "unsuitable for younger children"; TV-14 under 14, so the tier after 13 to 15; TV-MA under 17.
    "tv": {
        "TV-Y": CHILD,
        "TV-Y7": CHILD,
        "TV-Y7-FV": CHILD,
        "TV-G": CHILD,
        "TV-PG": YOUNG_TEEN,
        "TV-14": TEEN,
        "TV-MA": ADULT,
    },
    # British Board of Film Classification, Classification Guidelines 2024: U from 4; PG "should not unsettle a child
    # aged around eight"; 12A and 12 from 12, not for all under 13; 15 lies within 13 to 15; 18; R18 licensed premises.
    "bbfc": {
        "U": CHILD,
        "PG": YOUNG_TEEN,
        "12A": YOUNG_TEEN,
        "12": YOUNG_TEEN,
        "15": TEEN,
        "18": ADULT,
        "R18": ADULT,
    },
    # Freiwillige Selbstkontrolle der Filmwirtschaft, Jugendschutzgesetz § 14(2): ab 0, 6, 12, 16, keine
    # Jugendfreigabe (18). 6 is for children of six: a service for under-13s in general shows 0 and 6.
    "fsk": {"0": CHILD, "6": CHILD, "12": YOUNG_TEEN, "16": TEEN, "18": ADULT},
    # Pan European Game Information, PEGI Code of Conduct Art. 7: 3, 7, 12, 16, 18.
    "pegi": {"3": CHILD, "7": CHILD, "12": YOUNG_TEEN, "16": TEEN, "18": ADULT},
}


class UnknownCertificate(ValueError):
    """A certificate that no table has: nothing is guessed from it."""


def audience_of(system: str, certificate: str) -> Audience:
    """The audience of a certificate. Raises UnknownCertificate; `unrated` and its like are no certificates."""
    table = SYSTEMS.get(system)
    if table is None:
        raise UnknownCertificate(
            f"There is no certificate system {system!r}: name one of {', '.join(sorted(SYSTEMS))}."
        )
    found = table.get(certificate.strip().upper())
    if found is None:
        raise UnknownCertificate(
            f"{system} has no certificate {certificate!r}: leave the item without one, or name one of "
            f"{', '.join(table)}."
        )
    return found
