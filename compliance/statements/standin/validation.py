"""The database's validation as its own validator has it: a row of rules a field, sentences as it words them.

Written from the schema's description in the terms of the original (required, in, max, required_if, exclude_unless …),
apart from `export/rules.py`, so that the two can be held against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from compliance.statements.export import schema

Body = dict[str, Any]
Errors = dict[str, list[str]]


def _in(prefix: str, names: Sequence[str]) -> frozenset[str]:
    return frozenset(prefix + name for name in names)


IN: Final[Mapping[str, frozenset[str]]] = {
    "decision_visibility": _in("DECISION_VISIBILITY_", schema.VISIBILITIES),
    "decision_monetary": _in("DECISION_MONETARY_", schema.MONETARIES),
    "decision_provision": _in("DECISION_PROVISION_", schema.PROVISIONS),
    "decision_account": _in("DECISION_ACCOUNT_", schema.ACCOUNTS),
    "account_type": _in("ACCOUNT_TYPE_", schema.ACCOUNT_TYPES),
    "decision_ground": _in("DECISION_GROUND_", schema.GROUNDS),
    "incompatible_content_illegal": _in("", schema.YES_NO),
    "content_type": _in("CONTENT_TYPE_", schema.CONTENT_TYPES),
    "category": _in("STATEMENT_CATEGORY_", schema.CATEGORIES),
    "category_addition": _in("STATEMENT_CATEGORY_", schema.CATEGORIES),
    "category_specification": _in("KEYWORD_", schema.KEYWORDS),
    "territorial_scope": _in("", schema.EEA),
    "content_language": _in("", tuple(schema.LANGUAGES)),
    "source_type": _in("", schema.SOURCES),
    "automated_detection": _in("", schema.YES_NO),
    "automated_decision": _in("AUTOMATED_DECISION_", schema.AUTOMATED_DECISIONS),
}
ARRAYS: Final = frozenset(
    ("decision_visibility", "content_type", "category_addition", "category_specification", "territorial_scope")
)
MAX: Final[Mapping[str, int]] = {
    "decision_visibility_other": 500,
    "decision_monetary_other": 500,
    "decision_ground_reference_url": 500,
    "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2000,
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2000,
    "content_type_other": 500,
    "category_specification_other": 500,
    "decision_facts": 5000,
    "source_identity": 500,
    "puid": 500,
}
REQUIRED: Final = (
    "decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts", "source_type",
    "automated_detection", "automated_decision", "puid",
)  # fmt: skip
RESTRICTIONS: Final = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
# field: (the other field, its value, whether this one is required then); excluded otherwise
WITH: Final[Mapping[str, tuple[str, str, bool]]] = {
    "decision_visibility_other": ("decision_visibility", "DECISION_VISIBILITY_OTHER", True),
    "decision_monetary_other": ("decision_monetary", "DECISION_MONETARY_OTHER", True),
    "content_type_other": ("content_type", "CONTENT_TYPE_OTHER", True),
    "category_specification_other": ("category_specification", "KEYWORD_OTHER", False),
    "illegal_content_legal_ground": ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT", True),
    "illegal_content_explanation": ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT", True),
    "incompatible_content_ground": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT", True),
    "incompatible_content_explanation": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT", True),
    "incompatible_content_illegal": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT", False),
}
ENDS: Final = tuple(f"end_date_{one}_restriction" for one in ("visibility", "monetary", "service", "account"))
LAST: Final = "2038-01-01"
PLAIN: Final = frozenset((*IN, *MAX, *ENDS, "content_date", "application_date", "content_id"))


def validate(given: object) -> tuple[Body, Errors]:
    """What of a statement is kept, and what is wrong with it. Fields that do not apply are dropped without a word."""
    body: Body = {name: value for name, value in given.items() if name in PLAIN} if isinstance(given, dict) else {}
    errors: Errors = {}
    for rule in RULES:
        for name, sentence in rule(body):
            errors.setdefault(name, []).append(sentence)
    return {name: value for name, value in body.items() if _kept(body, name)}, errors


def _empty(value: object) -> bool:
    return value is None or value in ("", [])


def _title(name: str) -> str:
    return name.replace("_", " ")


def _applies(body: Body, name: str) -> bool:
    if name == "source_identity":
        return body.get("source_type") != "SOURCE_VOLUNTARY"
    if name not in WITH:
        return True
    other, value, _ = WITH[name]
    held = body.get(other)
    return value in held if isinstance(held, list) else held == value


def _kept(body: Body, name: str) -> bool:
    return not _empty(body[name]) and _applies(body, name)


def _required(body: Body) -> list[tuple[str, str]]:
    wrong = [(name, f"The {_title(name)} field is required.") for name in REQUIRED if _empty(body.get(name))]
    if all(_empty(body.get(name)) for name in RESTRICTIONS):
        for name in RESTRICTIONS:
            others = " / ".join(_title(other) for other in RESTRICTIONS if other != name)
            wrong.append((name, f"The {_title(name)} field is required when none of {others} are present."))
    for name, (other, value, needed) in WITH.items():
        if needed and _applies(body, name) and _empty(body.get(name)):
            wrong.append((name, f"The {_title(name)} field is required when {_title(other)} is {value}."))
    return wrong


def _in_rule(body: Body) -> list[tuple[str, str]]:
    wrong = []
    for name, known in IN.items():
        value = body.get(name)
        if _empty(value) or not _applies(body, name):
            continue
        listed = value if isinstance(value, list) else [value]
        if isinstance(value, list) != (name in ARRAYS):
            kind = "an array" if name in ARRAYS else "a string"
            wrong.append((name, f"The {_title(name)} field must be {kind}."))
        elif not all(isinstance(one, str) and one in known for one in listed):
            wrong.append((name, f"The selected {_title(name)} is invalid."))
    return wrong


def _max_rule(body: Body) -> list[tuple[str, str]]:
    wrong = []
    for name, most in MAX.items():
        value = body.get(name)
        if _empty(value) or not _applies(body, name):
            continue
        if not isinstance(value, str):
            wrong.append((name, f"The {_title(name)} field must be a string."))
        elif len(value) > most:
            wrong.append((name, f"The {_title(name)} field must not be greater than {most} characters."))
    return wrong


def _is_day(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _dates(body: Body) -> list[tuple[str, str]]:
    wrong = []
    application = body.get("application_date")
    firsts = {"content_date": "2000-01-01", "application_date": "2020-01-01"}
    for name in (*firsts, *ENDS):
        value = body.get(name)
        if _empty(value):
            continue
        first = firsts.get(name) or (application if _is_day(application) else "")
        if not _is_day(value):
            wrong.append((name, f"The {_title(name)} field must match the format Y-m-d."))
        elif str(value) < str(first):
            wrong.append((name, f"The {_title(name)} field must be a date after or equal to {first}."))
        elif str(value) > LAST:
            wrong.append((name, f"The {_title(name)} field must be a date before or equal to {LAST}."))
    return wrong


def _formats(body: Body) -> list[tuple[str, str]]:
    wrong = []
    puid, url, ean = body.get("puid"), body.get("decision_ground_reference_url"), body.get("content_id")
    if not _empty(puid) and not re.fullmatch(r"[a-zA-Z0-9-_]+", str(puid)):
        wrong.append(("puid", "The puid format is invalid."))
    if not _empty(url) and not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", str(url), re.ASCII):
        wrong.append(("decision_ground_reference_url", "The decision ground reference url field must be a valid URL."))
    if not _empty(ean) and not (
        isinstance(ean, dict) and list(ean) == ["EAN-13"] and re.fullmatch(r"[0-9]{13}", str(ean["EAN-13"]))
    ):
        wrong.append(("content_id", "The content id field must hold an EAN-13 of 13 digits."))
    return wrong


RULES: Final[tuple[Callable[[Body], list[tuple[str, str]]], ...]] = (_required, _in_rule, _max_rule, _dates, _formats)
