"""Who a film is suitable for, guessed from the catalogue's own genres: a source of low confidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ranking.catalogue.models import Audience

CHILD: Final = frozenset({"Children's", "Animation", "Musical", "Comedy", "Adventure", "Fantasy", "Sci-Fi", "Drama"})
YOUNG_TEEN: Final = CHILD | {"Documentary", "Romance", "Western"}
TEEN: Final = YOUNG_TEEN | {"Action", "Mystery", "War"}


def suitability(genres: Iterable[str]) -> str:
    """The youngest audience for a film with these genres; empty (unlabelled) when there are none.

    Only films that call themselves children's are labelled for children.
    """
    named = frozenset(genres)
    if not named or "unknown" in named:
        return ""
    if "Children's" in named and named <= CHILD:
        return Audience.CHILD
    if named <= YOUNG_TEEN:
        return Audience.YOUNG_TEEN
    return Audience.TEEN if named <= TEEN else Audience.ADULT
