"""What the ranker asks about decisions on items: it obeys them, and knows nothing of their law."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Protocol

from django.db.models import QuerySet

from ranking.catalogue.models import Item
from ranking.serving.types import Penalties


class Restrictions(Protocol):
    """Decisions about items that hold for one person, in one place, at one time."""

    def leave(self, items: QuerySet[Item]) -> QuerySet[Item]:
        """The items that no decision withholds."""

    def penalties(self, item_ids: Collection[int]) -> Mapping[int, Penalties]:
        """What acts on each of these items; free ones are left out."""


class Unrestricted:
    """No decision holds."""

    def leave(self, items: QuerySet[Item]) -> QuerySet[Item]:
        """All of them."""
        return items

    def penalties(self, item_ids: Collection[int]) -> Mapping[int, Penalties]:
        """Nothing acts on any."""
        return {}


UNRESTRICTED: Final = Unrestricted()
