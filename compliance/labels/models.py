"""Labels as they were given. Rows are added and superseded, never changed and never deleted: a trigger refuses it."""

from __future__ import annotations

import uuid_utils.compat as uuids
from django.db import models
from django.db.models import F, Q

from compliance.labels.values import AUDIENCE, Category, Confidence, Source, Verdict
from ranking.catalogue.models import Audience, Item


class Label(models.Model):
    """One source's word on one item: the audience it suits, or whether a category applies."""

    id = models.UUIDField(primary_key=True, default=uuids.uuid7, editable=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="labels")
    about = models.CharField(max_length=16, choices=[(AUDIENCE, "audience"), *Category.choices])
    value = models.CharField(max_length=12, choices=[*Audience.choices, *Verdict.choices])
    confidence = models.CharField(max_length=8, choices=Confidence.choices)
    score = models.SmallIntegerField(null=True)  # of 1000, where the source scores
    source = models.CharField(max_length=12, choices=Source.choices)
    source_name = models.CharField(max_length=40, blank=True)  # which certificate system, which classifier
    source_sha256 = models.CharField(max_length=64, blank=True)  # of a classifier: its version
    text_sha256 = models.CharField(max_length=64)  # of the item's text when this was said
    by = models.CharField(max_length=64)
    why = models.CharField(max_length=200)
    at = models.DateTimeField()
    superseded_by = models.UUIDField(null=True)  # the same source's next word

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "about", "source", "source_name"],
                condition=Q(superseded_by=None),
                name="one_current_label_per_source",
            ),
            models.CheckConstraint(
                condition=Q(about=AUDIENCE, value__in=Audience.values)
                | (~Q(about=AUDIENCE) & Q(value__in=Verdict.values)),
                name="label_says_what_it_is_about",
            ),
            models.CheckConstraint(
                condition=Q(score=None) | Q(score__range=(0, 1000)), name="label_score_is_per_mille"
            ),
            models.CheckConstraint(
                condition=Q(superseded_by=None) | ~Q(superseded_by=F("id")), name="label_not_its_own_successor"
            ),
        ]
        indexes = [models.Index(fields=["item", "about", "-at"], name="labels_of_an_item")]

    def __str__(self) -> str:
        return f"item {self.item_id}: {self.about} {self.value}, says {self.source} {self.source_name}".strip()
