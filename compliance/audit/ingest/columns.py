"""What the typed columns of a record that came from elsewhere must say, by its own bytes."""

from __future__ import annotations

from typing import Any

_AS_THEY_ARE = ("id", "source", "service", "pseudonym", "surface", "feed_mode", "tier", "jurisdiction")


def external_columns(document: dict[str, Any]) -> dict[str, str]:
    """Column by column, as text. Raises KeyError, TypeError for a document of another form."""
    model = "" if document["model"] is None else document["model"]["sha256"]
    return {
        **{name: document[name] for name in _AS_THEY_ARE},
        "served_at": str(document["served_at_ms"]),
        "model": model,
    }
