"""A quick look at a batch: decisions in the very bytes that are kept are judged by one expression each, unparsed.

It takes only what is spelt as the record spells it: plain JSON with every object's keys in order and no escape, and
whose events all have the heads and parameters of the first. Whatever else there is, the whole batch goes the slower
way, which says what is wrong. A property test holds one to the other: what is taken here is taken there, alike.

To make an expression takes a while, so it is made only for heads and parameters of a batch that was right (`learn`),
and not often: what is refused costs nothing here.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson

from compliance.audit.ingest.document import (
    LARGEST,
    MOST_EVENT_BYTES,
    MOST_EVENTS,
    MOST_PARAMETERS,
    MOST_REASONS,
    MOST_TEXT,
    External,
    check_moment,
    problem_of_words,
)
from compliance.audit.ingest.items import LONGEST_NAME, PLAIN_NUMBER, Wrong, are_heads

FEWEST: Final = 20
"""Smaller batches are not worth an expression of their own."""
MOST_PLACES: Final = 40
MOST_NUMBERS: Final = 150
"""Longer slates, or those with more scores, go the slower way: the expression spells every place and head out."""
LONGEST_PARAMETERS: Final = 4_000
MOST_KNOWN: Final = 16
EVERY_S: Final = 5.0
"""An expression is made at most so often, in one process, however many kinds of batches come."""
_HEAD: Final = '{"events":['
_NEXT: Final = '},{"feed_mode":'
_TEXT: Final = r'[^"\\\x00-\x1f]'
_HEX: Final = "[0-9a-f]"
_NUMBER: Final = f'"{PLAIN_NUMBER}"'
_CHANCE: Final = r'"(?:0\.[0-9]{0,24}[1-9][0-9]{0,3}|1|1\.0)"'
_NAME: Final = r'"[a-z0-9][a-z0-9_.:-]{0,31}+"'
_UUID: Final = f"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
_UUID7: Final = f"{_HEX}{{8}}-{_HEX}{{4}}-7{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}"


Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of the heads and of the parameters, each in order."""


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """A batch in the record's own spelling, with one match for each event."""

    text: str
    matches: tuple[re.Match[str], ...]

    def parsed(self) -> list[Any]:
        """The events as parsed JSON, for the slower way."""
        events: list[Any] = orjson.loads(self.text)["events"]
        return events


def scan(data: bytes) -> dict[str, Any] | None:
    """Return {"events": Scanned} for a batch that is spelt as the record spells it; None for any other body."""
    try:
        text = data.decode()
        pattern = _pattern_of(text)
    except (UnicodeDecodeError, orjson.JSONDecodeError, LookupError, TypeError):
        return None
    if pattern is None:
        return None
    matches, at = [], len(_HEAD)
    while match := pattern.match(text, at):
        matches.append(match)
        at = match.end()
    if text[at - 1 :] != "]}" or not 0 < len(matches) <= MOST_EVENTS:  # the expression ends with "," or "]"
        return None
    return {"events": Scanned(text=text, matches=tuple(matches))}


def externals(batch: Scanned, *, service: str, source: str, now_ms: int) -> Iterator[External]:
    """The decisions of a scanned batch. Raises Wrong where one is not as it must be: the slower way says which."""
    beside = f'"service":{_quoted(service)},"source":{_quoted(source)},'
    for match in batch.matches:
        feed_mode, event_id, jurisdiction, sha256, pseudonym, number, at, surface, tier = match.groups()
        sequence, served_at_ms = int(number), int(at)
        found = UUID(int=int(event_id.replace("-", ""), 16))
        check_moment(found, served_at_ms, now_ms)
        if problem := problem_of_words(surface, feed_mode, tier, jurisdiction):
            raise Wrong(problem)
        place = match.end(7) + 1
        content = (match[0][: place - match.start()] + beside + batch.text[place : match.end() - 1]).encode()
        if not (sequence <= LARGEST and len(content) <= MOST_EVENT_BYTES):
            raise Wrong("It is out of bounds")
        yield External(
            found,
            _person(pseudonym),
            sequence,
            served_at_ms,
            surface,
            feed_mode,
            tier,
            jurisdiction,
            sha256 or "",
            content,
        )


@lru_cache(maxsize=16_384)
def _person(text: str) -> UUID:
    """A pseudonym: the same people come again and again."""
    return UUID(int=int(text.replace("-", ""), 16))


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def learn(events: Sequence[Any]) -> None:
    """Take the heads and parameters of a batch that was judged right the slower way, for those that follow it."""
    now = time.monotonic()
    shape = _shape(events[0]) if len(events) >= FEWEST else None
    with _Known.lock:
        if shape is None or shape in _Known.patterns or now - _Known.made_at < EVERY_S:
            return
        _Known.made_at = now
    pattern = _pattern(*shape)
    with _Known.lock:
        _Known.patterns[shape] = pattern
        if len(_Known.patterns) > MOST_KNOWN:
            _Known.patterns.popitem(last=False)


class _Known:
    """The expressions that were made, the last used at the end."""

    patterns: ClassVar[OrderedDict[Shape, re.Pattern[str]]] = OrderedDict()
    made_at: ClassVar[float] = float("-inf")
    lock: ClassVar[Lock] = Lock()


def _pattern_of(text: str) -> re.Pattern[str] | None:
    """The expression for events like the first of a batch. Raises LookupError, TypeError where that is no event."""
    if not text.startswith(_HEAD) or text.count(_NEXT) < FEWEST - 1:
        return None
    end = text.find(_NEXT, len(_HEAD))
    if not 0 < end < MOST_EVENT_BYTES:
        return None
    shape = _shape(orjson.loads(text[len(_HEAD) : end + 1]))
    with _Known.lock:
        if shape is None or shape not in _Known.patterns:
            return None
        _Known.patterns.move_to_end(shape)
        return _Known.patterns[shape]


def _shape(first: Any) -> Shape | None:
    """An event's heads and parameters; None where they are too many or no names. Raises LookupError, TypeError."""
    scores: dict[str, Any] = next((item["scores"] for item in first["items"] if item["scores"] is not None), {})
    heads, parameters = tuple(sorted(scores)), tuple(sorted(first["parameters"]))
    if len(parameters) > MOST_PARAMETERS or sum(map(len, parameters)) > LONGEST_PARAMETERS:
        return None
    return (heads, parameters) if not heads or are_heads(heads) else None


def _pattern(heads: tuple[str, ...], parameters: tuple[str, ...]) -> re.Pattern[str]:
    """One event with these heads and parameters, and the comma or bracket behind it."""
    scores = _fields({f'"{head}"': _NUMBER for head in heads})
    scores = f"(?:null|{scores})" if heads else "null"
    items = ""
    for rank in range(min(MOST_PLACES, MOST_NUMBERS // max(1, len(heads))), 0, -1):
        item = _fields({
            '"item"': f'"{_TEXT}{{1,{LONGEST_NAME}}}+"',
            '"propensity"': f"(?:null|{_CHANCE})",
            '"rank"': str(rank),
            '"scores"': scores,
            '"source"': _NAME,
        })  # fmt: skip
        items = f"{item}(?:,{items})?+" if items else item
    words = f'"{_TEXT}{{0,{MOST_TEXT}}}+"'
    event = _fields({
        '"feed_mode"': r'"([a-z0-9_.:-]{1,16}+)"',
        '"id"': f'"({_UUID7})"',
        '"items"': rf"\[(?:{items})?+\]",
        '"jurisdiction"': r'"([A-Z0-9-]{2,8}+)"',
        '"model"': rf'(?:null|\{{"name":"{_TEXT}{{1,128}}+","sha256":"({_HEX}{{64}})"\}})',
        '"parameters"': _fields({re.escape(_quoted(name)): words for name in parameters}),
        '"pseudonym"': f'"({_UUID})"',
        '"reasons"': rf"\[(?:{words}(?:,{words}){{0,{MOST_REASONS - 1}}}+)?+\]",
        '"sequence"': "([1-9][0-9]{0,15}+)",
        '"served_at_ms"': "(0|[1-9][0-9]{0,15}+)",
        '"surface"': r'"([a-z0-9_.:-]{1,16}+)"',
        '"tier"': r'"([a-z_]{1,10}+)"',
        '"version"': "1",
    })  # fmt: skip
    return re.compile(rf"{event}[,\]]")


def _fields(fields: Mapping[str, str]) -> str:
    """An object with these fields, in this order."""
    return r"\{" + ",".join(f"{name}:{value}" for name, value in fields.items()) + r"\}"
