"""Lots: numbers that depend on a seed and an item only, the same on every machine and version."""

from __future__ import annotations

import hashlib


def lot(seed: int, item_id: int) -> int:
    """The lot of an item under a seed: 48 bits, each order of items equally likely."""
    return int.from_bytes(hashlib.sha256(f"lot {seed} {item_id}".encode()).digest()[:6])
