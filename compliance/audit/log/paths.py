"""Where a tile or an entry bundle lies: `tile/<level>/<number>[.p/<width>]` (C2SP tlog-tiles)."""

from __future__ import annotations

import re
from typing import Final

TILE_WIDTH: Final = 256
ENTRIES: Final = "entries"

_NAME = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


def tile_path(kind: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile of a level, or of a bundle (kind ENTRIES); narrower than 256 is a partial one."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = f"tile/{kind}/" + "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def is_tile_path(path: str) -> bool:
    """Whether a log may hold a file of this path: its one spelling, level at most 63, width at most 255."""
    match = _NAME.fullmatch(path)
    if match is None:
        return False
    kind, number, width = match.groups()
    if kind != ENTRIES and int(kind) > 63:
        return False
    return tile_path(kind, int(re.sub(r"[x/]", "", number)), int(width or TILE_WIDTH)) == path and width != "256"
