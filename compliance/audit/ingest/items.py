"""The items of a decision taken elsewhere: judged column by column when all is well, item by item when it is not."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

MOST_ITEMS: Final = 200
MOST_HEADS: Final = 32
LONGEST_NAME: Final = 128
LONGEST_NUMBER: Final = 32
LONGEST_WORD: Final = 32
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]*", re.ASCII)
_KEYS: Final = frozenset(("rank", "item", "source", "scores", "propensity"))
_DIGITS: Final = re.compile(r"[0-9a-fxp.+-]*", re.ASCII)  # no nan, no inf, no space, no _, no digit of another script
PLAIN_NUMBER: Final = (
    r"(?:-?[0-9]{1,5}+(?:\.[0-9]{1,21}+)?+(?:e[+-]?[0-9]{1,2}+)?+|-?0x[01]\.[0-9a-f]{1,13}+p[+-][0-9]{1,3}+)"
)
"""One number, decimal or hexadecimal, of at most 32 characters and too small to overflow. Walked once: possessive."""
_PLAIN: Final = re.compile(rf"(?:{PLAIN_NUMBER},)*+", re.ASCII)
_COLUMNS: Final = itemgetter("rank", "item", "source", "scores", "propensity")
_RANKS: Final = tuple(range(1, MOST_ITEMS + 1))
_WHOLE, _TEXT, _OBJECT, _NONE = int, str, dict, type(None)


class Wrong(ValueError):
    """One event is not as it must be; the sentence says how."""


def check_items(items: object) -> None:
    """Judge the items of one slate, as parsed JSON. Raises Wrong."""
    if type(items) is not list or len(items) > MOST_ITEMS:
        raise Wrong(f"items is not a list of at most {MOST_ITEMS}")
    if not _surely_right(items):
        for place, item in enumerate(items, 1):
            _check_item(place, item)


def misnamed(what: str, value: object, known: frozenset[str]) -> str:
    """Say which fields are missing or unknown."""
    if not isinstance(value, dict):
        return f"{what} is not a JSON object"
    missing, unknown = sorted(known - value.keys()), sorted(ascii(name[:40]) for name in value.keys() - known)
    parts = [f"lacks {', '.join(missing)}"] if missing else []
    parts += [f"has unknown {', '.join(unknown[:10])}"] if unknown else []
    return f"{what} {' and '.join(parts)}"


def _surely_right(items: list[Any]) -> bool:
    """Whether every item is right, by its columns; false also where only the slower look can tell.

    What is true here `_check_item` takes as well: a property test holds one to the other.
    """
    if not items:
        return True
    try:
        if set(map(len, items)) != {len(_KEYS)}:
            return False
        ranks, names, sources, scores, propensities = zip(*map(_COLUMNS, items), strict=True)
        return (
            ranks == _RANKS[: len(items)]
            and _all_of(ranks, _WHOLE)
            and _all_of(names, _TEXT)
            and min(map(len, names)) > 0
            and max(map(len, names)) <= LONGEST_NAME
            and all(map(is_name, set(sources)))
            and _all_of(scores, _OBJECT)
            and all(map(are_heads, set(map(tuple, scores))))
            and _are_plain(list(chain.from_iterable(map(dict.values, scores))))
            and all(map(_is_propensity, set(propensities)))
        )
    except (TypeError, LookupError, ValueError):
        return False


def _all_of(values: tuple[Any, ...], kind: type) -> bool:
    return set(map(type, values)) == {kind}


def _are_plain(numbers: list[str]) -> bool:
    """Whether all are plain numbers. Raises TypeError where one is no text."""
    text = ",".join(numbers) + ","
    return text.count(",") == len(numbers) and _PLAIN.fullmatch(text) is not None


def is_name(value: object) -> bool:
    """Whether a value is a short name, as sources and heads have."""
    return isinstance(value, str) and len(value) <= LONGEST_WORD and _is_short_name(value)


@lru_cache(maxsize=1024)  # of short texts alone: a long one that was refused would stay in memory
def _is_short_name(value: str) -> bool:
    return NAME.fullmatch(value) is not None


def are_heads(names: tuple[object, ...]) -> bool:
    """Whether these are the names of a slate's scores."""
    return 0 < len(names) <= MOST_HEADS and all(map(is_name, names))


def _is_propensity(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_NUMBER and _is_chance(value))


@lru_cache(maxsize=1024)  # of short texts alone, as above
def _is_chance(value: str) -> bool:
    return 0 < _number(value, "It") <= 1


def _check_item(place: int, item: object) -> None:
    if not isinstance(item, dict) or item.keys() != _KEYS:
        raise Wrong(misnamed(f"Item {place}", item, _KEYS))
    rank, name, source, scores, propensity = _COLUMNS(item)
    if rank != place or type(rank) is not int:
        raise Wrong(f"Item {place} has another rank: items stand in their order, ranks count from 1")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise Wrong(f"Item {place} has no id of 1 to {LONGEST_NAME} characters")
    if not isinstance(source, str) or not is_name(source):
        raise Wrong(f"Item {place} has no source of 1 to 32 lower-case letters, digits or one of _ . : -")
    if scores is not None:
        if not isinstance(scores, dict) or not are_heads(tuple(scores)):
            raise Wrong(f"Item {place} has scores that are neither null nor 1 to {MOST_HEADS} named numbers")
        for score in scores.values():
            _number(score, f"A score of item {place}")
    if propensity is not None and not 0 < _number(propensity, f"The propensity of item {place}") <= 1:
        raise Wrong(f"Item {place} has a propensity that is not above 0 and up to 1, or null where none is known")


def _number(value: object, what: str) -> float:
    """The number that a text spells, decimal or as `float.hex` does. Raises Wrong."""
    if isinstance(value, str) and 0 < len(value) <= LONGEST_NUMBER and _DIGITS.fullmatch(value):
        try:
            number = float.fromhex(value) if "x" in value else float(value)
        except (ValueError, OverflowError):
            number = math.inf
        if math.isfinite(number):
            return number
    raise Wrong(f'{what} is not a number spelt as text, such as "0.25" or "0x1.0p-2"')
