"""What the statements' API takes and gives."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any, Final

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from compliance.statements.evidence import MOST_FILES
from compliance.statements.export import schema
from compliance.statements.models import AccountType, Automation, Ground, Kind, Outcome, Source
from compliance.statements.models.complaints import MOST_COMPLAINT
from compliance.statements.types import Content, Means, NewDecision, Reasons
from compliance.subjects.models import Tier
from host.api.fields import CanonicalUUID, Choice, StrictSerializer, WholeNumber
from host.api.parsers import MAX_INTEGER
from host.api.query import NumberText, QueryParameters
from host.api.schema import ErrorShape

MOST_COUNTRIES: Final = 60
MEANINGS: Final = {
    400: "The body or the query is not as this schema says; `message` or `extra` names what is wrong.",
    401: "Not signed in, or the sign-in has expired.",
    403: "The account's role is not for this, or the request does not prove that it comes from its own page (CSRF).",
    404: "There is no such thing, or it is not yours.",
    409: "It was decided or closed before, or this account may not close it.",
    413: "The body is larger than this address reads.",
    415: "Not application/json in UTF-8.",
    422: "Well-formed, but a rule refuses it; `message` says which. Nothing was stored.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "The database does not answer; nothing was stored.",
}


def refusals(*codes: int) -> dict[int, OpenApiResponse]:
    """The responses of an address that may refuse with `codes`, besides those that every one has."""
    every = sorted({400, 401, 403, 429, 503, *codes})
    return {code: OpenApiResponse(ErrorShape, description=MEANINGS[code]) for code in every}


class Page(QueryParameters):
    """Which part of a list: so many, before this number."""

    limit = NumberText(min_value=1, max_value=100, default=25)
    after = CanonicalUUID(required=False)


class FileShape(serializers.Serializer[Any]):
    """A file that came with a complaint, without its content."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField()


class ComplaintShape(serializers.Serializer[Any]):
    """A complaint and its answer."""

    id = serializers.UUIDField()
    made_at = serializers.DateTimeField()
    text = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["open", *(one for one in Outcome.values if one)])
    reasons = serializers.CharField(allow_blank=True)
    redress = serializers.CharField(allow_blank=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    evidence = FileShape(many=True)


class StatementShape(serializers.Serializer[Any]):
    """A statement of reasons as one of those whom it concerns has it (DSA Art. 17(3))."""

    id = serializers.UUIDField()
    item_id = serializers.IntegerField()
    item_title = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    amount = serializers.IntegerField(allow_null=True, help_text="Of a demotion: thousandths taken off the score.")
    rule = serializers.CharField()
    scope = serializers.CharField()
    text = serializers.CharField()
    redress = serializers.CharField()
    made_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    reversed_at = serializers.DateTimeField(allow_null=True)
    reversal_reasons = serializers.CharField(allow_blank=True)
    complaint_until = serializers.DateTimeField(allow_null=True)
    can_complain = serializers.BooleanField()
    complaints = ComplaintShape(many=True)


class StatementsShape(serializers.Serializer[Any]):
    """A page of one's own statements; `next` is the `after` of the page that follows."""

    statements = StatementShape(many=True)
    next = serializers.UUIDField(allow_null=True)


class ReviewedShape(serializers.Serializer[Any]):
    """A complaint with the statement that it is about, as a moderator sees it."""

    complaint = ComplaintShape()
    decision = serializers.UUIDField()
    decided_by = serializers.CharField()
    statement = serializers.CharField()


class QueueShape(serializers.Serializer[Any]):
    """Complaints that wait, the oldest first, without what they say: each look at one is on record."""

    class Waiting(serializers.Serializer[Any]):
        """One of them."""

        id = serializers.UUIDField()
        made_at = serializers.DateTimeField()
        decision = serializers.UUIDField()
        decided_by = serializers.CharField()

    complaints = Waiting(many=True)
    waiting = serializers.IntegerField()


class DecidedShape(serializers.Serializer[Any]):
    """A decision that was taken; its statement has the same number."""

    id = serializers.UUIDField()
    statement = serializers.CharField()


class ReconciliationShape(serializers.Serializer[Any]):
    """The last comparison of what was sent to the public database with what was decided."""

    made_at = serializers.DateTimeField(allow_null=True)
    statements = serializers.IntegerField()
    fields_compared = serializers.IntegerField()
    mismatches = serializers.IntegerField()
    by_field = serializers.DictField(child=serializers.IntegerField())


class ComplaintInput(StrictSerializer):
    """What is wrong with a decision, in free text, and files that show it."""

    class FileInput(StrictSerializer):
        """PDF, PNG, JPEG or plain text, in base64."""

        name = serializers.CharField(max_length=200)
        content_base64 = serializers.CharField(trim_whitespace=False)

        def validate_content_base64(self, value: str) -> bytes:
            """Read it."""
            try:
                return b64decode(value, validate=True)
            except (NotBase64, ValueError) as error:
                raise serializers.ValidationError("This is no base64 (RFC 4648, section 4).") from error

    text = serializers.CharField(max_length=MOST_COMPLAINT)
    evidence = serializers.ListField(child=FileInput(), max_length=MOST_FILES, required=False, default=list)


class OutcomeInput(StrictSerializer):
    """A reviewer's answer."""

    outcome = Choice(choices=[one for one in Outcome.values if one])
    reasons = serializers.CharField(max_length=MOST_COMPLAINT)


class DecisionInput(StrictSerializer):
    """A decision by the moderator who sends it (DSA Art. 17(3))."""

    item = WholeNumber(min_value=1, max_value=MAX_INTEGER)
    kind = Choice(choices=Kind.choices)
    amount = WholeNumber(min_value=1, max_value=1000, required=False, help_text="Of a demotion, in thousandths.")
    rule = serializers.CharField(max_length=100)
    facts = serializers.CharField(max_length=schema.MOST_FACTS)
    ground = Choice(choices=Ground.choices)
    ground_reference = serializers.CharField(max_length=schema.MOST_WORDS)
    ground_explanation = serializers.CharField(max_length=schema.MOST_EXPLANATION)
    ground_url = serializers.CharField(max_length=schema.MOST_WORDS, required=False, default="")
    also_illegal = serializers.BooleanField(required=False, default=None, allow_null=True)
    category = Choice(choices=schema.CATEGORIES)
    more_categories = serializers.ListField(child=serializers.CharField(max_length=60), max_length=16, default=list)
    keywords = serializers.ListField(child=Choice(choices=schema.KEYWORDS), max_length=20, default=list)
    keyword_other = serializers.CharField(max_length=schema.MOST_WORDS, required=False, default="")
    led_to_by = Choice(choices=Source.choices, default=Source.OWN_INITIATIVE)
    notifier = serializers.CharField(max_length=schema.MOST_WORDS, required=False, default="")
    notice = CanonicalUUID(required=False)
    automated_detection = serializers.BooleanField()
    automated_means = serializers.BooleanField(help_text="Whether automated means helped to decide.")
    content_types = serializers.ListField(child=Choice(choices=schema.CONTENT_TYPES), min_length=1, max_length=8)
    content_type_other = serializers.CharField(max_length=schema.MOST_WORDS, required=False, default="")
    content_language = serializers.CharField(max_length=2, required=False, default="")
    account_type = Choice(choices=AccountType.choices, required=False, default="")
    ean = serializers.CharField(max_length=13, required=False, default="")
    ends_at = serializers.DateTimeField(required=False)
    territories = serializers.ListField(
        child=serializers.CharField(max_length=6), max_length=MOST_COUNTRIES, default=list
    )
    tiers = serializers.ListField(child=Choice(choices=Tier.choices), max_length=len(Tier.values), default=list)


def new_decision(given: dict[str, Any], by: Any) -> NewDecision:
    """The decision in a checked body, taken by an account's actor."""
    return NewDecision(
        item_id=given["item"],
        kind=Kind(given["kind"]),
        amount=given.get("amount"),
        rule=given["rule"],
        facts=given["facts"],
        reasons=Reasons(
            ground=Ground(given["ground"]),
            reference=given["ground_reference"],
            explanation=given["ground_explanation"],
            url=given["ground_url"],
            also_illegal=given["also_illegal"],
            category=given["category"],
            more_categories=tuple(given["more_categories"]),
            keywords=tuple(given["keywords"]),
            keyword_other=given["keyword_other"],
        ),
        means=Means(
            decided_by=by,
            automated_detection=given["automated_detection"],
            automated_decision=Automation.PARTIALLY if given["automated_means"] else Automation.NOT,
            source=Source(given["led_to_by"]),
            source_identity=given["notifier"],
            notice_id=given.get("notice"),
        ),
        content=Content(
            types=tuple(given["content_types"]),
            type_other=given["content_type_other"],
            language=given["content_language"],
            account_type=given["account_type"],
            ean=given["ean"],
        ),
        ends_at=given.get("ends_at"),
        territories=tuple(given["territories"]),
        tiers=tuple(given["tiers"]),
    )
