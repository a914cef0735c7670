"""Decisions that restrict an item's visibility, and their reversals. Rows are never edited: the database refuses it."""

from __future__ import annotations

import uuid_utils.compat as uuids
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from compliance.statements.export.schema import MOST_EXPLANATION, MOST_FACTS, MOST_WORDS
from compliance.statements.models.actors import Actor
from ranking.catalogue.models import Item


class Kind(models.TextChoices):
    """What is done to the item (DSA Art. 17(1)(a)), the strictest first."""

    REMOVED = "removed", "removed"
    DISABLED = "disabled", "access disabled"
    AGE_RESTRICTED = "age_restricted", "age-restricted"
    DEMOTED = "demoted", "demoted"
    LABELLED = "labelled", "labelled"


class Ground(models.TextChoices):
    """Illegal, or against the terms (DSA Art. 17(3)(d), (e))."""

    ILLEGAL = "illegal", "illegal content"
    INCOMPATIBLE = "incompatible", "incompatible with the terms"


class Source(models.TextChoices):
    """What led to it (DSA Art. 17(3)(b))."""

    OWN_INITIATIVE = "own_initiative", "our own initiative"
    NOTICE = "notice", "a notice (DSA Art. 16)"
    TRUSTED_FLAGGER = "trusted_flagger", "a notice by a trusted flagger (DSA Art. 22)"
    OTHER_NOTIFICATION = "other_notification", "another notification"


class Automation(models.TextChoices):
    """How far machines took the decision (DSA Art. 17(3)(c))."""

    FULLY = "fully", "by automated means alone"
    PARTIALLY = "partially", "by a person with automated means"
    NOT = "not", "by a person"


class AccountType(models.TextChoices):
    """Whose account the item is of."""

    BUSINESS = "business", "a business account"
    PRIVATE = "private", "a private account"


class Decision(models.Model):
    """One decision: item by rule by scope, with everything that its statement must say (DSA Art. 17 (D17))."""

    id = models.UUIDField(primary_key=True, default=uuids.uuid7, editable=False)
    service = models.CharField(max_length=64)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    amount = models.PositiveSmallIntegerField(null=True)  # of a demotion: thousandths off the score, 1 to 1000
    rule = models.CharField(max_length=100)
    ground = models.CharField(max_length=12, choices=Ground.choices)
    ground_reference = models.CharField(max_length=MOST_WORDS)  # the law, or the clause of the terms
    ground_explanation = models.TextField(max_length=MOST_EXPLANATION)
    ground_url = models.CharField(max_length=MOST_WORDS, blank=True)
    also_illegal = models.BooleanField(null=True)  # incompatible content only
    facts = models.TextField(max_length=MOST_FACTS)
    source = models.CharField(max_length=18, choices=Source.choices)
    source_identity = models.CharField(max_length=MOST_WORDS, blank=True)
    notice_id = models.UUIDField(null=True)  # of the notice that led to it
    automated_detection = models.BooleanField()
    automated_decision = models.CharField(max_length=9, choices=Automation.choices)
    decided_by = models.ForeignKey(Actor, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)  # null: until it is reversed
    territories = ArrayField(models.CharField(max_length=6), default=list)  # empty: everywhere
    tiers = ArrayField(models.CharField(max_length=10), default=list)  # age tiers that it holds for; empty: all
    category = models.CharField(max_length=60)
    more_categories = ArrayField(models.CharField(max_length=60), default=list)
    keywords = ArrayField(models.CharField(max_length=60), default=list)
    keyword_other = models.CharField(max_length=MOST_WORDS, blank=True)
    content_types = ArrayField(models.CharField(max_length=20))
    content_type_other = models.CharField(max_length=MOST_WORDS, blank=True)
    content_language = models.CharField(max_length=2, blank=True)
    account_type = models.CharField(max_length=8, choices=AccountType.choices, blank=True)
    ean = models.CharField(max_length=13, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="decision_of_a_known_kind"),
            models.CheckConstraint(
                condition=Q(kind=Kind.DEMOTED, amount__isnull=False, amount__gte=1, amount__lte=1000)
                | Q(~Q(kind=Kind.DEMOTED), amount=None),
                name="decision_demotes_by_an_amount",
            ),
            models.CheckConstraint(condition=Q(facts__regex=r"\S"), name="decision_has_facts"),
            models.CheckConstraint(
                condition=Q(ground__in=Ground.values, ground_reference__regex=r"\S", ground_explanation__regex=r"\S"),
                name="decision_has_a_ground",
            ),
            models.CheckConstraint(condition=Q(category__regex=r"\S"), name="decision_has_a_category"),
            models.CheckConstraint(condition=Q(rule__regex=r"\S"), name="decision_has_a_rule"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="decision_ends_after_it_starts"
            ),
        ]
        indexes = [models.Index(fields=["item", "kind"], name="decisions_of_an_item")]

    def __str__(self) -> str:
        return f"decision {self.id}"


class Reversal(models.Model):
    """A decision taken back: a new row beside it, so that both stay on record."""

    decision = models.OneToOneField(Decision, primary_key=True, on_delete=models.PROTECT, related_name="reversal")
    by = models.ForeignKey(Actor, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reasons = models.TextField(max_length=MOST_FACTS)

    def __str__(self) -> str:
        return f"reversal of {self.decision_id}"


class Standing(models.Model):
    """Which decision holds an item by rule by scope now: the lock that keeps it to one. It goes with a reversal."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=100)
    scope = models.TextField()  # as `scope.key_of` writes it
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="standing")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "rule", "scope"], name="one_decision_per_scope")]

    def __str__(self) -> str:
        return f"{self.rule} on item {self.item_id}"


class ServedPenalty(models.Model):
    """Which decisions acted on which slate, written in the record's own transaction. No foreign keys, on purpose.

    No key ever points at a serve record, and the question whether each decision has its statement stays a question.
    """

    pk = models.CompositePrimaryKey("record_id", "decision_id")
    record_id = models.UUIDField()
    decision_id = models.UUIDField(db_index=True)

    class Meta:
        db_table = "statements_served"

    def __str__(self) -> str:
        return f"{self.decision_id} in serve {self.record_id}"
