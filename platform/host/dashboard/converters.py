"""How an item's id is written in an address: an integer that the database can hold, without leading zeros."""

from __future__ import annotations

from django.urls import register_converter

from host.api.fields import MAX_ID


class ItemId:
    """1 to 2**63 - 1."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id; ValueError makes the address unknown (404)."""
        if (number := int(value)) > MAX_ID:
            raise ValueError(value)
        return number

    def to_url(self, value: int) -> str:
        """Write the id."""
        return str(value)


register_converter(ItemId, "item_id")  # here, so that whoever names it in an address imports this module
