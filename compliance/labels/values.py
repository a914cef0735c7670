"""The words of labels: what one is about, what it says, how sure, and who said it."""

from __future__ import annotations

from typing import Final

from django.db import models

from ranking.catalogue.models import Audience

AUDIENCE: Final = "audience"
"""What a label is about that says who an item is suitable for; every other one is about a category."""


class Category(models.TextChoices):
    """What makes an item unsafe for minors.

    The UK's primary priority content (Online Safety Act 2023 s. 61: `sexual`, `self_harm`, `eating_disorder`) and
    priority content (s. 62: the others), which recommenders filter out of children's feeds (law table 1E, Ofcom).
    """

    SEXUAL = "sexual", "pornography and sexual content"
    SELF_HARM = "self_harm", "suicide and self-harm"
    EATING_DISORDER = "eating_disorder", "eating disorders"
    HATE = "hate", "hate"
    OFFENSIVE = "offensive", "hate or offensive language"
    TOXIC = "toxic", "abuse and toxic language"
    BULLYING = "bullying", "bullying"
    VIOLENCE = "violence", "serious violence"
    DANGEROUS = "dangerous", "dangerous challenges"
    SUBSTANCES = "substances", "harmful substances"


class Verdict(models.TextChoices):
    """What a label says about a category. Only `unsafe` is a finding.

    `suspect` accuses nobody: it keeps an item from minors until a person has looked.
    """

    UNSAFE = "unsafe", "found"
    SUSPECT = "suspect", "suspected"
    CLEAR = "clear", "not found"
    UNREADABLE = "unreadable", "could not tell"


class Confidence(models.TextChoices):
    """How far a label can be relied on."""

    LOW = "low", "low"
    MEDIUM = "medium", "medium"
    HIGH = "high", "high"


class Source(models.TextChoices):
    """Who says so."""

    CERTIFICATE = "certificate", "catalogue certificate"
    GENRE = "genre", "catalogue genre"
    CLASSIFIER = "classifier", "classifier"
    MODERATOR = "moderator", "moderator"


STRICTNESS: Final = {audience: rank for rank, audience in enumerate(Audience.values)}
"""The youngest first: a higher rank lets fewer people see the item."""
SURENESS: Final = {confidence: rank for rank, confidence in enumerate(Confidence.values)}
