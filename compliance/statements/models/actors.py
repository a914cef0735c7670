"""Who decides and who reviews. Nothing here names a person: an account is its number, a machine its own name."""

from __future__ import annotations

from django.db import models


class ActorKind(models.TextChoices):
    """Whether somebody or something acted."""

    PERSON = "person", "a person"
    MACHINE = "machine", "automated means"


class Actor(models.Model):
    """One account or one machine (a rule, a classifier, the ranker). Its kind never changes."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=7, choices=ActorKind.choices)

    class Meta:
        constraints = [
            # What foreign keys of two columns point at: a review names a person, whatever the service's code says.
            models.UniqueConstraint(fields=["id", "kind"], name="actor_with_its_kind"),
            models.CheckConstraint(condition=models.Q(kind__in=ActorKind.values), name="actor_is_person_or_machine"),
        ]

    def __str__(self) -> str:
        return self.name
