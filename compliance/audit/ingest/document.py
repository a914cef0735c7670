"""What a decision taken elsewhere must say to become a serve record, and in which words it is refused.

A document is a flat JSON object without floats: every number that is not whole is text, `0.25` or `0x1.8p-3`, and is
kept as it was spelt. Everything is bounded, nothing is guessed, and what is not named here is refused.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple
from uuid import UUID

from compliance.audit.canonical import NotCanonical, encode
from compliance.audit.delay import LATEST
from compliance.audit.ingest.items import NAME, Wrong, check_items, misnamed
from compliance.subjects.values import TIERS

VERSION: Final = 1
MOST_EVENTS: Final = 5_000
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_EVENT_BYTES: Final = 32 * 1024
MOST_REASONS: Final = 32
MOST_PARAMETERS: Final = 64
MOST_TEXT: Final = 2_000
MOST_WORDS: Final = 80
"""Characters of the four short words together: no right ones are longer."""
LARGEST: Final = 2**53 - 1
LATE_MS: Final = LATEST // timedelta(milliseconds=1)  # within last month, whose partition is there
AHEAD_MS: Final = 5 * 60_000
APART_MS: Final = 60_000

Document = dict[str, Any]

_WORDS: Final = ("surface", "feed_mode", "tier", "jurisdiction")
_KEYS: Final = frozenset(
    (*_WORDS, "version", "id", "sequence", "pseudonym", "served_at_ms", "model", "items", "reasons", "parameters")
)
_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PLACE: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,5})?", re.ASCII)


class External(NamedTuple):
    """One decision taken elsewhere, judged and ready to be sealed. `content` are its canonical bytes.

    A tuple, because thousands of them are made in each request.
    """

    id: UUID
    pseudonym: UUID
    sequence: int
    served_at_ms: int
    surface: str
    feed_mode: str
    tier: str
    jurisdiction: str
    model_sha256: str  # hexadecimal; empty: no model was named
    content: bytes


def read_event(event: object, *, service: str, source: str, now_ms: int) -> External:
    """Judge one event's document (parsed JSON); return it with the canonical bytes to keep. Raises Wrong.

    What is kept is the document itself and, beside it, the service and the source that sent it.
    """
    if type(event) is not dict or event.keys() != _KEYS:
        raise Wrong(misnamed("An event", event, _KEYS))
    if event["version"] != VERSION or type(event["version"]) is not int:
        raise Wrong(f"version is not {VERSION}, the only form of a decision that is read here")
    event_id, pseudonym = (
        _uuid(event["id"], "id", _UUID7, "UUIDv7"),
        _uuid(event["pseudonym"], "pseudonym", _UUID, "UUID"),
    )
    served_at_ms = _whole(event["served_at_ms"], "served_at_ms", least=0)
    check_moment(event_id, served_at_ms, now_ms)
    words = _texts(event)
    if problem := problem_of_words(*words):
        raise Wrong(problem)
    sequence, model_sha256 = _whole(event["sequence"], "sequence", least=1), _model(event["model"])
    check_items(event["items"])
    _check_rest(event)
    content = _encoded({**event, "service": service, "source": source})
    return External(
        id=event_id,
        pseudonym=pseudonym,
        sequence=sequence,
        served_at_ms=served_at_ms,
        surface=words[0],
        feed_mode=words[1],
        tier=words[2],
        jurisdiction=words[3],
        model_sha256=model_sha256,
        content=content,
    )


def _uuid(value: object, name: str, form: re.Pattern[str], called: str) -> UUID:
    if type(value) is not str or not form.fullmatch(value):
        raise Wrong(f"{name} is not a {called} in its lower-case form with hyphens")
    return UUID(int=int(value.replace("-", ""), 16))


def _whole(value: object, name: str, *, least: int) -> int:
    if type(value) is not int or not least <= value <= LARGEST:
        raise Wrong(f"{name} is not a whole number from {least} to {LARGEST}")
    return value


def check_moment(event_id: UUID, served_at_ms: int, now_ms: int) -> None:
    """The id's own time orders the store: it must be the decision's, and neither ahead of us nor long past."""
    if abs((event_id.int >> 80) - served_at_ms) > APART_MS:
        raise Wrong("id carries another time than served_at_ms, more than a minute apart: make it when you decide")
    if served_at_ms > now_ms + AHEAD_MS:
        raise Wrong("served_at_ms is more than five minutes in the future: set your clock")
    if served_at_ms < now_ms - LATE_MS:
        raise Wrong(f"served_at_ms is more than {LATE_MS // 86_400_000} days ago, too late for the record")


def _texts(event: Document) -> tuple[str, str, str, str]:
    surface, feed_mode, tier, jurisdiction = event["surface"], event["feed_mode"], event["tier"], event["jurisdiction"]
    if type(surface) is type(feed_mode) is type(tier) is type(jurisdiction) is str:
        return surface, feed_mode, tier, jurisdiction
    raise Wrong(f"{next(name for name in _WORDS if type(event[name]) is not str)} is not text")


def problem_of_words(surface: str, feed_mode: str, tier: str, jurisdiction: str) -> str:
    """What is wrong with the short words that records are found by; empty when nothing is."""
    # Only what is short is remembered: a long text that was refused would stay in memory.
    short = len(surface) + len(feed_mode) + len(tier) + len(jurisdiction) <= MOST_WORDS
    return (_problem_of_words if short else _problem_of_words.__wrapped__)(surface, feed_mode, tier, jurisdiction)


@lru_cache(maxsize=512)  # few combinations occur
def _problem_of_words(surface: str, feed_mode: str, tier: str, jurisdiction: str) -> str:
    for name, value in (("surface", surface), ("feed_mode", feed_mode)):
        if len(value) > 16 or not NAME.fullmatch(value):
            return f"{name} is not 1 to 16 lower-case letters, digits or one of _ . : -"
    if tier not in TIERS:
        return f"tier is not one of {', '.join(TIERS)}"
    if not _PLACE.fullmatch(jurisdiction):
        return "jurisdiction is not two capital letters, with a part after a hyphen where one is needed (EU, US-CA)"
    return ""


def _check_rest(event: Document) -> None:
    reasons, parameters = event["reasons"], event["parameters"]
    if type(reasons) is not list or len(reasons) > MOST_REASONS or not all(map(_is_text, reasons)):
        raise Wrong(f"reasons is not a list of at most {MOST_REASONS} texts of up to {MOST_TEXT} characters")
    if type(parameters) is not dict or len(parameters) > MOST_PARAMETERS:
        raise Wrong(f"parameters is not an object of at most {MOST_PARAMETERS} texts")
    if not all(map(_is_text, chain(parameters, parameters.values()))):
        raise Wrong(
            f"parameters holds something else than texts of up to {MOST_TEXT} characters: spell numbers as text"
        )


def _is_text(value: object) -> bool:
    return type(value) is str and len(value) <= MOST_TEXT


def _model(model: object) -> str:
    """The address of the model that decided; empty where none did (a rule, or a person)."""
    if model is None:
        return ""
    if type(model) is not dict or model.keys() != {"name", "sha256"}:
        raise Wrong("model is neither null nor an object of name and sha256")
    name, sha256 = model["name"], model["sha256"]
    if type(name) is not str or not 0 < len(name) <= 128:
        raise Wrong("model has no name of 1 to 128 characters")
    if type(sha256) is not str or not _SHA256.fullmatch(sha256):
        raise Wrong("model has no sha256 of 64 lower-case hexadecimal digits: hash the file that you serve with")
    return sha256


def _encoded(document: Document) -> bytes:
    try:
        content = encode(document)
    except NotCanonical as error:
        raise Wrong(f"It has no single byte form ({error})") from error
    if len(content) > MOST_EVENT_BYTES:
        raise Wrong(f"It is longer than {MOST_EVENT_BYTES // 1024} KiB")
    return content
