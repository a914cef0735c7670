"""Questions that were asked under lists, with what was answered."""

from __future__ import annotations

from django.db import models

from compliance.subjects.models import Subject
from ranking.catalogue.models import Item

LEAST, MOST = 1, 5


class Question(models.TextChoices):
    """What a question is about."""

    WORTH = "worth", "Was this list worth your time?"
    TOPIC = "topic", "Do you want more films of this topic?"
    ITEM = "item", "Do you want more films like this one?"


class StatedPreference(models.Model):
    """One question under one list, and its answer from 1 to 5: null while there is none, which is fine."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="stated_preferences")
    serve_id = models.UUIDField()  # no foreign key ever points at a serve record
    question = models.CharField(max_length=8, choices=Question.choices)
    topic = models.CharField(max_length=60, blank=True)
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.CASCADE)
    asked_at = models.DateTimeField()
    answer = models.PositiveSmallIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "serve_id"], name="one_question_a_list"),
            models.CheckConstraint(
                condition=models.Q(answer__isnull=True) | models.Q(answer__range=(LEAST, MOST)), name="answer_1_to_5"
            ),
            models.CheckConstraint(
                condition=models.Q(question=Question.TOPIC) ^ models.Q(topic=""), name="topic_of_a_topic_question"
            ),
            models.CheckConstraint(
                condition=models.Q(question=Question.ITEM) ^ models.Q(item__isnull=True),
                name="item_of_an_item_question",
            ),
        ]
        indexes = [models.Index(fields=["subject", "-asked_at"], name="asked_last")]

    def __str__(self) -> str:
        return f"{self.question} under {self.serve_id}"
