"""Items, creators, embeddings, popularity, follows and events. People appear only as subject ids."""

from __future__ import annotations

from typing import Any

import uuid_utils.compat as uuids
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from pgvector.django import VectorField

from ranking.data.schema import Action

ACTION_CHOICES = [(action.value, action.name.lower()) for action in Action]


class Audience(models.TextChoices):
    """The youngest audience that a label calls an item suitable for."""

    CHILD = "child", "children"
    YOUNG_TEEN = "young_teen", "13 and over"
    TEEN = "teen", "16 and over"
    ADULT = "adult", "adults"


class Creator(models.Model):
    """Who made an item."""

    service = models.CharField(max_length=64)
    external_id = models.CharField(max_length=128)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "external_id"], name="creator_once_per_service")]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """Something that can be recommended. `facts` are the catalogue features a ranker may read (see ItemFacts)."""

    service = models.CharField(max_length=64)
    external_id = models.CharField(max_length=128)
    title = models.CharField(max_length=300)
    creator = models.ForeignKey(Creator, null=True, blank=True, on_delete=models.SET_NULL)
    topics = ArrayField(models.CharField(max_length=60), default=list)
    facts = models.JSONField(default=dict)
    published_at = models.DateTimeField(db_index=True)
    is_active = models.BooleanField(default=True)
    # The effective label: computed by compliance.labels from everything that was said of the item, never set by hand.
    suitable_from = models.CharField(max_length=10, choices=Audience.choices, blank=True)  # blank: unlabelled
    label_source = models.CharField(max_length=60, blank=True)
    label_confidence = models.CharField(max_length=10, blank=True)  # low | medium | high
    unsafe = ArrayField(models.CharField(max_length=16), default=list, blank=True)  # categories that minors never see

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "external_id"], name="item_once_per_service")]
        indexes = [
            GinIndex(fields=["topics"], name="item_topics"),
            models.Index(fields=["service", "suitable_from", "-published_at"], name="item_newest"),
        ]

    def __str__(self) -> str:
        return self.title


class ItemEmbedding(models.Model):
    """An item's vector under one model; written when that model is about to go live."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    model_sha256 = models.CharField(max_length=64)
    vector = VectorField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model_sha256", "item"], name="embedding_once_per_model")]

    def __str__(self) -> str:
        return f"{self.item_id} under {self.model_sha256[:12]}"


class Popularity(models.Model):
    """How popular an item is in a region ("" = everywhere): distinct people's recent positive events, decayed."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    region = models.CharField(max_length=16, blank=True)
    score = models.BigIntegerField()  # an integer, so that order and records hold no floats
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "item"], name="popularity_once_per_region")]
        indexes = [models.Index(fields=["region", "-score", "item"], name="popularity_order")]

    def __str__(self) -> str:
        return f"{self.item_id} {self.region or 'everywhere'}: {self.score}"


class Essential(models.Model):
    """A notice that everyone in a region ("" = everywhere) needs for a while; who declared it, and who else agreed."""

    class Kind(models.TextChoices):
        """What for."""

        BREAKING = "breaking", "breaking news"
        SAFETY = "safety", "a safety notice"

    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    region = models.CharField(max_length=16, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    declared_by = models.CharField(max_length=150)
    approved_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gte=models.F("starts_at")), name="essential_ends"),
            models.CheckConstraint(
                condition=~models.Q(declared_by=models.F("approved_by")), name="essential_by_two_people"
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], name="essential_until")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: item {self.item_id}"


class Follow(models.Model):
    """A declared follow: of a creator, or of a topic."""

    subject_id = models.UUIDField(db_index=True)
    creator = models.ForeignKey(Creator, null=True, blank=True, on_delete=models.CASCADE)
    topic = models.CharField(max_length=60, blank=True)
    close = models.BooleanField(default=False)  # declared: a creator whom the person wants first
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_id", "creator", "topic"], name="follow_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(creator__isnull=False) ^ ~models.Q(topic=""), name="follow_creator_or_topic"
            ),
            models.CheckConstraint(
                condition=models.Q(close=False) | models.Q(creator__isnull=False), name="close_to_creators_only"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} follows {self.topic or self.creator_id}"


class ProfileFacts(models.Model):
    """Declared facts about a person that a ranker may read when the plan allows `profile`."""

    subject_id = models.UUIDField(primary_key=True)
    facts: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.subject_id)


class Event(models.Model):
    """One thing a person did with an item. The id comes from the client, so that a retry adds nothing."""

    id = models.UUIDField(primary_key=True, default=uuids.uuid7, editable=False)
    service = models.CharField(max_length=64)
    subject_id = models.UUIDField()
    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    action = models.SmallIntegerField(choices=ACTION_CHOICES)
    dwell_ms = models.PositiveIntegerField(null=True, blank=True)
    region = models.CharField(max_length=16, blank=True)
    surface = models.CharField(max_length=32, blank=True)
    serve_id = models.UUIDField(null=True, blank=True)  # no foreign key ever points at a serve record
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id", "occurred_at", "id"], name="event_history"),
            models.Index(fields=["occurred_at"], name="event_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, item {self.item_id}"  # whose it is stays out of lists and logs
