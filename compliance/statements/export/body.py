"""A decision as the body that the DSA Transparency Database takes (schema v2), without personal data (D24)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from compliance.audit.canonical import canonical
from compliance.statements.export import schema
from compliance.statements.export.scrub import scrub
from compliance.statements.models import Automation, Decision, Ground, Kind, Source
from compliance.statements.scope import in_the_eea

VISIBILITIES: Final = {
    Kind.REMOVED: "CONTENT_REMOVED",
    Kind.DISABLED: "CONTENT_DISABLED",
    Kind.DEMOTED: "CONTENT_DEMOTED",
    Kind.AGE_RESTRICTED: "CONTENT_AGE_RESTRICTED",
    Kind.LABELLED: "CONTENT_LABELLED",
}
SOURCES: Final = {
    Source.OWN_INITIATIVE: "SOURCE_VOLUNTARY",
    Source.NOTICE: "SOURCE_ARTICLE_16",
    Source.TRUSTED_FLAGGER: "SOURCE_TRUSTED_FLAGGER",
    Source.OTHER_NOTIFICATION: "SOURCE_TYPE_OTHER_NOTIFICATION",
}
AUTOMATIONS: Final = {
    Automation.FULLY: "FULLY",
    Automation.PARTIALLY: "PARTIALLY",
    Automation.NOT: "NOT_AUTOMATED",
}
ELLIPSIS: Final = "…"

Body = dict[str, Any]


def body_of(decision: Decision, *, names: Iterable[str] = ()) -> Body:
    """Every field that applies, and no other: what the database would silently drop is not sent.

    `names` are those of the account holders concerned, to be taken out. The decision's item is read.
    """
    known = tuple(names)

    def clean(text: str, most: int) -> str:
        cleaned = scrub(text.strip(), names=known)
        return cleaned if len(cleaned) <= most else cleaned[: most - 1] + ELLIPSIS

    body: Body = {
        "puid": str(decision.id),
        "decision_visibility": [schema.VISIBILITY + VISIBILITIES[Kind(decision.kind)]],
        "category": schema.CATEGORY + decision.category,
        "category_addition": [schema.CATEGORY + one for one in decision.more_categories],
        "category_specification": [schema.KEYWORD + one for one in decision.keywords],
        "category_specification_other": clean(decision.keyword_other, schema.MOST_WORDS),
        "content_type": [schema.CONTENT + one for one in decision.content_types],
        "content_type_other": clean(decision.content_type_other, schema.MOST_WORDS),
        "content_language": decision.content_language,
        # Hosted since before the database's first date: its first date is the nearest that it takes.
        "content_date": max(decision.item.published_at.date(), schema.FIRST_CONTENT_DATE).isoformat(),
        "content_id": {schema.EAN: decision.ean} if decision.ean else None,
        "application_date": decision.starts_at.date().isoformat(),
        "end_date_visibility_restriction": decision.ends_at.date().isoformat() if decision.ends_at else None,
        "territorial_scope": in_the_eea(decision.territories),
        "account_type": schema.ACCOUNT + decision.account_type.upper() if decision.account_type else None,
        "decision_ground_reference_url": decision.ground_url,
        "decision_facts": clean(decision.facts, schema.MOST_FACTS),
        "source_type": SOURCES[Source(decision.source)],
        "source_identity": _notifier(decision, clean),
        "automated_detection": _yes_no(decision.automated_detection),
        "automated_decision": schema.AUTOMATED + AUTOMATIONS[Automation(decision.automated_decision)],
        **_ground(decision, clean),
    }
    return {field: value for field, value in body.items() if value not in (None, "", [])}


def bytes_of(body: Body) -> bytes:
    """A body as it is sent and kept."""
    return canonical(body)


def _ground(decision: Decision, clean: Any) -> Body:
    which = "illegal_content" if decision.ground == Ground.ILLEGAL else "incompatible_content"
    ground: Body = {
        "decision_ground": f"{schema.GROUND}{which.upper()}",
        f"{which}_{'legal_ground' if decision.ground == Ground.ILLEGAL else 'ground'}": clean(
            decision.ground_reference, schema.MOST_WORDS
        ),
        f"{which}_explanation": clean(decision.ground_explanation, schema.MOST_EXPLANATION),
    }
    if decision.ground == Ground.INCOMPATIBLE and decision.also_illegal is not None:
        ground["incompatible_content_illegal"] = _yes_no(decision.also_illegal)
    return ground


def _notifier(decision: Decision, clean: Any) -> str | None:
    """Trusted flaggers are entities (DSA Art. 22(2)); whoever else gave notice may be a person, and is not named."""
    if decision.source != Source.TRUSTED_FLAGGER:
        return None
    return str(clean(decision.source_identity, schema.MOST_WORDS))


def _yes_no(flag: bool) -> str:
    return "Yes" if flag else "No"
