"""The schema's rules, held before anything is sent: every field, and every condition between two of them (§ schema v2).

The stand-in has its own copy of the rules, in the terms of the database's validator; a property test holds the two
against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from compliance.statements.export import schema

Body = dict[str, Any]
_CHOICES: Final[dict[str, frozenset[str]]] = {
    "decision_monetary": frozenset(f"DECISION_MONETARY_{one}" for one in schema.MONETARIES),
    "decision_provision": frozenset(f"DECISION_PROVISION_{one}" for one in schema.PROVISIONS),
    "decision_account": frozenset(f"DECISION_ACCOUNT_{one}" for one in schema.ACCOUNTS),
    "account_type": frozenset(schema.ACCOUNT + one for one in schema.ACCOUNT_TYPES),
    "decision_ground": frozenset(schema.GROUND + one for one in schema.GROUNDS),
    "incompatible_content_illegal": frozenset(schema.YES_NO),
    "category": frozenset(schema.CATEGORY + one for one in schema.CATEGORIES),
    "content_language": schema.LANGUAGES,
    "source_type": frozenset(schema.SOURCES),
    "automated_detection": frozenset(schema.YES_NO),
    "automated_decision": frozenset(schema.AUTOMATED + one for one in schema.AUTOMATED_DECISIONS),
}
_LISTS: Final[dict[str, frozenset[str]]] = {
    "decision_visibility": frozenset(schema.VISIBILITY + one for one in schema.VISIBILITIES),
    "content_type": frozenset(schema.CONTENT + one for one in schema.CONTENT_TYPES),
    "category_addition": frozenset(schema.CATEGORY + one for one in schema.CATEGORIES),
    "category_specification": frozenset(schema.KEYWORD + one for one in schema.KEYWORDS),
    "territorial_scope": frozenset(schema.EEA),
}
_WORDS: Final = {
    "decision_facts": schema.MOST_FACTS,
    "illegal_content_explanation": schema.MOST_EXPLANATION,
    "incompatible_content_explanation": schema.MOST_EXPLANATION,
} | dict.fromkeys(
    (
        "decision_visibility_other",
        "decision_monetary_other",
        "decision_ground_reference_url",
        "illegal_content_legal_ground",
        "incompatible_content_ground",
        "content_type_other",
        "category_specification_other",
        "source_identity",
        "puid",
    ),
    schema.MOST_WORDS,
)
_ENDS: Final = tuple(f"end_date_{what}_restriction" for what in ("visibility", "monetary", "service", "account"))
_ALWAYS: Final = (
    "decision_ground",
    "content_type",
    "category",
    "content_date",
    "application_date",
    "decision_facts",
    "source_type",
    "automated_detection",
    "automated_decision",
    "puid",
)
_RESTRICTIONS: Final = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
FIELDS: Final = frozenset((*_CHOICES, *_LISTS, *_WORDS, *_ENDS, *_ALWAYS, "content_id"))


def faults(body: Body) -> dict[str, str]:
    """What is wrong with a body, a sentence a field; empty where the database will take it."""
    found: dict[str, str] = {}
    for judge in (_known, _required, _values, _dates, _conditions, _formats):
        for field, words in judge(body):
            found.setdefault(field, words)
    return found


def _given(body: Body, field: str) -> bool:
    return body.get(field) not in (None, "", [])


def _known(body: Body) -> Iterable[tuple[str, str]]:
    return [(field, f"{field} is not a field of the schema.") for field in body if field not in FIELDS]


def _required(body: Body) -> Iterable[tuple[str, str]]:
    yield from ((field, f"{field} is required.") for field in _ALWAYS if not _given(body, field))
    if not any(_given(body, field) for field in _RESTRICTIONS):
        yield _RESTRICTIONS[0], "One restriction at least is required: of visibility, payments, service or account."


def _values(body: Body) -> Iterable[tuple[str, str]]:
    for field, known in _CHOICES.items():
        if _given(body, field) and not (isinstance(body[field], str) and body[field] in known):
            yield field, f"{field} is not one of its values."
    for field, known in _LISTS.items():
        if _given(body, field) and not _all_among(body[field], known):
            yield field, f"{field} is not a list of its values."
    for field, most in _WORDS.items():
        if _given(body, field) and not (isinstance(body[field], str) and len(body[field]) <= most):
            yield field, f"{field} is not a text of at most {most} characters."


def _all_among(given: object, known: frozenset[str]) -> bool:
    return isinstance(given, list) and all(isinstance(one, str) and one in known for one in given)


def _dates(body: Body) -> Iterable[tuple[str, str]]:
    starts = _date(body.get("application_date"))
    bounds = {"content_date": schema.FIRST_CONTENT_DATE, "application_date": schema.FIRST_APPLICATION_DATE}
    for field in (*bounds, *_ENDS):
        if not _given(body, field):
            continue
        day, first = _date(body[field]), bounds.get(field, starts)
        if day is None or day > schema.LAST_DATE or (first is not None and day < first):
            yield field, f"{field} is no day (YYYY-MM-DD) from {first or 'its first'} to {schema.LAST_DATE}."


def _date(given: object) -> date | None:
    if not isinstance(given, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", given, re.ASCII):
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        return None


def _conditions(body: Body) -> Iterable[tuple[str, str]]:
    """Fields that one value of another calls for, and that are silently dropped without it."""
    for field, needed, holds in _CONDITIONS:
        if holds(body) and needed and not _given(body, field):
            yield field, f"{field} is required with what the body says."
        if not holds(body) and _given(body, field):
            yield field, f"{field} would be dropped: it does not go with what the body says."


def _has(field: str, value: str) -> Callable[[Body], bool]:
    def holds(body: Body) -> bool:
        given = body.get(field)
        return value in given if isinstance(given, list) else given == value

    return holds


def _has_notifier(body: Body) -> bool:
    return body.get("source_type") != "SOURCE_VOLUNTARY"


_ILLEGAL: Final = _has("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT")
_INCOMPATIBLE: Final = _has("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT")
_CONDITIONS: Final[Sequence[tuple[str, bool, Callable[[Body], bool]]]] = (
    ("decision_visibility_other", True, _has("decision_visibility", "DECISION_VISIBILITY_OTHER")),
    ("decision_monetary_other", True, _has("decision_monetary", "DECISION_MONETARY_OTHER")),
    ("content_type_other", True, _has("content_type", "CONTENT_TYPE_OTHER")),
    ("category_specification_other", False, _has("category_specification", "KEYWORD_OTHER")),
    ("illegal_content_legal_ground", True, _ILLEGAL),
    ("illegal_content_explanation", True, _ILLEGAL),
    ("incompatible_content_ground", True, _INCOMPATIBLE),
    ("incompatible_content_explanation", True, _INCOMPATIBLE),
    ("incompatible_content_illegal", False, _INCOMPATIBLE),
    ("source_identity", False, _has_notifier),
)


def _formats(body: Body) -> Iterable[tuple[str, str]]:
    if _given(body, "puid") and not re.fullmatch(schema.PUID, str(body["puid"]), re.ASCII):
        yield "puid", "puid has more than letters, digits, hyphens and underscores."
    if _given(body, "decision_ground_reference_url") and not _is_url(body["decision_ground_reference_url"]):
        yield "decision_ground_reference_url", "decision_ground_reference_url is no web address."
    if _given(body, "content_id") and not _is_ean(body["content_id"]):
        yield "content_id", f"content_id is not {{{schema.EAN!r}: 13 digits}}."


def _is_url(given: object) -> bool:
    if not isinstance(given, str) or not given.isascii() or re.search(r"\s", given):
        return False
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_ean(given: object) -> bool:
    if not isinstance(given, dict) or set(given) != {schema.EAN}:
        return False
    return isinstance(given[schema.EAN], str) and bool(re.fullmatch(r"\d{13}", given[schema.EAN], re.ASCII))
