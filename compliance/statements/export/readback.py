"""What a sent body claims, read back against the decision it is about: the other direction of `body.py`, on its own.

It shares no table and no function with what builds bodies: a flag that is inverted there does not look right here
(AC-SOR; one platform's flag of automated detection was inverted from September 2023 to May 2026).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from compliance.statements.models import Decision

_KINDS: Final = "e-mail|profile|handle|IBAN|card|IP|identifier|birth date|phone|address|name"
MARK: Final = re.compile(rf"\[(?:{_KINDS}) removed\]")
ABSENT: Final = None
_COUNTRIES: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
_EEA: Final = frozenset(_COUNTRIES.split())

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One field of one sent body that does not say what the decision says."""

    field: str
    sent: str


def mismatches(decision: Decision, sent: Body) -> list[Mismatch]:
    """The fields of a body that disagree with its decision, in order; what nothing here reads is one too."""
    wrong = [field for field, agrees in READERS.items() if not agrees(decision, sent.get(field, ABSENT))]
    wrong += sorted(set(sent) - READERS.keys())
    return [Mismatch(field=field, sent=str(sent.get(field, "absent"))[:200]) for field in wrong]


def _is(expected: Callable[[Decision], Any]) -> Callable[[Decision, Any], bool]:
    return lambda decision, value: bool(value == (expected(decision) or ABSENT))


def _set(prefix: str, expected: Callable[[Decision], list[str]]) -> Callable[[Decision, Any], bool]:
    return lambda decision, value: {prefix + one for one in expected(decision)} == set(value or [])


def _text(expected: Callable[[Decision], str]) -> Callable[[Decision, Any], bool]:
    return lambda decision, value: _tells(expected(decision).strip(), value or "")


def _tells(original: str, published: str) -> bool:
    """Whether a published text is the original with nothing but marks where something was taken out."""
    cut = published.endswith("…") and not original.endswith("…")
    first, *others = MARK.split(published.removesuffix("…") if cut else published)
    if not original.startswith(first):
        return False
    if not others:
        return cut or original == first
    *middle, last = others
    place = len(first)
    for part in middle:  # the leftmost place that leaves something out is the best one: no backtracking
        place = original.find(part, place + 1)
        if place < 0:
            return False
        place += len(part)
    if cut:
        return original.find(last, place + 1) >= 0
    return len(original) - len(last) > place and original.endswith(last)


def _flag(value: bool | None) -> str | None:
    return {True: "Yes", False: "No", None: None}[value]


def _visibility(decision: Decision, value: Any) -> bool:
    said = {
        "DECISION_VISIBILITY_CONTENT_REMOVED": "removed",
        "DECISION_VISIBILITY_CONTENT_DISABLED": "disabled",
        "DECISION_VISIBILITY_CONTENT_DEMOTED": "demoted",
        "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED": "age_restricted",
        "DECISION_VISIBILITY_CONTENT_LABELLED": "labelled",
    }
    return [said.get(one) for one in value or []] == [decision.kind]


def _source(decision: Decision, value: Any) -> bool:
    said = {
        "SOURCE_VOLUNTARY": "own_initiative",
        "SOURCE_ARTICLE_16": "notice",
        "SOURCE_TRUSTED_FLAGGER": "trusted_flagger",
        "SOURCE_TYPE_OTHER_NOTIFICATION": "other_notification",
    }
    return said.get(value) == decision.source


def _automation(decision: Decision, value: Any) -> bool:
    machine = decision.decided_by.kind == "machine"
    said = {"FULLY": ("fully", True), "PARTIALLY": ("partially", False), "NOT_AUTOMATED": ("not", False)}
    return said.get(str(value).removeprefix("AUTOMATED_DECISION_")) == (decision.automated_decision, machine)


def _territory(decision: Decision, value: Any) -> bool:
    countries = {code[:2] for code in decision.territories} & _EEA if decision.territories else _EEA
    return sorted(countries) == sorted(value or [])


def _content_date(decision: Decision, value: Any) -> bool:
    published = decision.item.published_at.date()
    return bool(value == ("2000-01-01" if published < date(2000, 1, 1) else f"{published:%Y-%m-%d}"))


def _on_ground(ground: str, expected: Callable[[Decision], str]) -> Callable[[Decision, Any], bool]:
    return lambda decision, value: (
        _tells(expected(decision).strip(), value or "") if decision.ground == ground else value is ABSENT
    )


READERS: Final[dict[str, Callable[[Decision, Any], bool]]] = {
    "puid": lambda decision, value: str(value) == str(decision.id),
    "decision_visibility": _visibility,
    "decision_visibility_other": lambda _, value: value is ABSENT,
    "decision_ground": lambda decision, value: value == f"DECISION_GROUND_{decision.ground.upper()}_CONTENT",
    "decision_ground_reference_url": _is(lambda decision: decision.ground_url),
    "illegal_content_legal_ground": _on_ground("illegal", lambda decision: decision.ground_reference),
    "illegal_content_explanation": _on_ground("illegal", lambda decision: decision.ground_explanation),
    "incompatible_content_ground": _on_ground("incompatible", lambda decision: decision.ground_reference),
    "incompatible_content_explanation": _on_ground("incompatible", lambda decision: decision.ground_explanation),
    "incompatible_content_illegal": lambda decision, value: value == _flag(decision.also_illegal),
    "content_type": _set("CONTENT_TYPE_", lambda decision: decision.content_types),
    "content_type_other": _text(lambda decision: decision.content_type_other),
    "category": lambda decision, value: value == f"STATEMENT_CATEGORY_{decision.category}",
    "category_addition": _set("STATEMENT_CATEGORY_", lambda decision: decision.more_categories),
    "category_specification": _set("KEYWORD_", lambda decision: decision.keywords),
    "category_specification_other": _text(lambda decision: decision.keyword_other),
    "territorial_scope": _territory,
    "content_language": _is(lambda decision: decision.content_language),
    "content_date": _content_date,
    "content_id": _is(lambda decision: {"EAN-13": decision.ean} if decision.ean else None),
    "application_date": _is(lambda decision: f"{decision.starts_at:%Y-%m-%d}"),
    "end_date_visibility_restriction": _is(lambda decision: f"{decision.ends_at:%Y-%m-%d}" if decision.ends_at else ""),
    "account_type": _is(lambda decision: decision.account_type and f"ACCOUNT_TYPE_{decision.account_type.upper()}"),
    "decision_facts": _text(lambda decision: decision.facts),
    "source_type": _source,
    "source_identity": lambda decision, value: (
        _tells(decision.source_identity.strip(), value or "") if decision.source == "trusted_flagger" else value is None
    ),
    "automated_detection": lambda decision, value: value == _flag(decision.automated_detection),
    "automated_decision": _automation,
}
