"""Where a tile or an entry bundle lies: `tile/<level>/<number>[.p/<width>]` (C2SP tlog-tiles)."""

from __future__ import annotations

import re
from typing import Final

TILE_WIDTH: Final = 256
ENTRIES: Final = "entries"

_NAME = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/){0,6}\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


def tile_path(kind: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile of a level, or of a bundle (kind ENTRIES); narrower than 256 is a partial one."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = f"tile/{kind}/" + "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def parse_path(path: str) -> tuple[int | str, int, int] | None:
    """Kind, number and width of a tile's or bundle's path, the reverse of `tile_path`; None where it is no such path.

    It has one spelling, a level of at most 63, and a width of at most 255 where it is a partial one.
    """
    match = _NAME.fullmatch(path)
    if match is None:
        return None
    kind, digits, partial = match.groups()
    level = kind if kind == ENTRIES else int(kind)
    number, width = int(re.sub("[x/]", "", digits)), int(partial or TILE_WIDTH)
    if (level != ENTRIES and int(kind) > 63) or (partial and width >= TILE_WIDTH):
        return None
    return (level, number, width) if tile_path(level, number, width) == path else None


def is_tile_path(path: str) -> bool:
    """Whether a log may hold a file of this path."""
    return parse_path(path) is not None


def covers(path: str, size: int) -> bool:
    """Whether a checkpoint of `size` entries covers a file: it is a tile or bundle, whole or partial, that a log of so
    many entries or fewer has. Any other path, such as one with a width of 0 or 256, is not covered.
    """
    place = parse_path(path)
    if place is None:
        return False
    kind, number, width = place
    return number * TILE_WIDTH + width <= size >> 8 * (0 if isinstance(kind, str) else kind)
