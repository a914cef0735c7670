"""The subject and what it declared: tier, consents, feed choices, hidden items, guardians. Never a birth date."""

from __future__ import annotations

import uuid

from django.db import models

from ranking.catalogue.models import Item


class Tier(models.TextChoices):
    """Age tier. Unknown means the strictest."""

    CHILD = "child", "under 13"
    YOUNG_TEEN = "young_teen", "13 to 15"
    TEEN = "teen", "16 or 17"
    ADULT = "adult", "adult"
    UNKNOWN = "unknown", "unknown"


class Assurance(models.TextChoices):
    """How the tier is known."""

    NONE = "none", "not assured"
    SELF_DECLARED = "self_declared", "self-declared"
    GUARDIAN = "guardian", "attested by a guardian"
    ESTIMATED = "estimated", "estimated"
    VERIFIED = "verified", "verified"


class Surface(models.TextChoices):
    """A place where items are ordered."""

    HOME = "home", "Home"
    RELATED = "related", "Related films"


class FeedMode(models.TextChoices):
    """How a surface is ordered. All but the first are non-profiled (DSA Art. 38)."""

    PERSONALISED = "personalised", "Personalised"
    NEWEST = "newest", "Newest first"
    POPULAR = "popular", "Most popular"
    FOLLOWING = "following", "Following"
    TOPICS = "topics", "My topics"
    EXPLORE = "explore", "Something else"


class Purpose(models.TextChoices):
    """What a consent is about."""

    PERSONALISATION = "personalisation", "ordering my feed by what I did here"
    OBJECTION = "objection", "objecting to being profiled at all"  # granted: the person objects (GDPR Art. 21)
    PARENTAL = "parental", "a guardian's consent for a child"  # given by the guardian (GDPR Art. 8; 16 CFR 312.5)


class ControlKind(models.TextChoices):
    """What a control is about."""

    TOPIC = "topic", "a topic"
    CREATOR = "creator", "a creator"
    KEYWORD = "keyword", "a word in titles"
    SIGNAL = "signal", "a signal"
    OBJECTIVE = "objective", "an objective of one's own"
    LIMIT = "limit", "a limit of time"
    PAUSE = "pause", "a pause of personalisation"


class Subject(models.Model):
    """A person, as every room below the host knows them. Records carry only the pseudonym, renewed each epoch."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    service = models.CharField(max_length=64)
    pseudonym = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    epoch = models.PositiveIntegerField(default=1)
    tier = models.CharField(max_length=10, choices=Tier.choices, default=Tier.UNKNOWN)
    assurance = models.CharField(max_length=15, choices=Assurance.choices, default=Assurance.NONE)
    tier_expires_on = models.DateField(null=True, blank=True)  # a month's end
    tier_valid_until = models.DateTimeField(null=True, blank=True)  # until a proof that it rests on ends
    jurisdiction = models.CharField(max_length=8, default="EU")
    region = models.CharField(max_length=16, blank=True)
    locale = models.CharField(max_length=16, default="en-gb")
    timezone = models.CharField(max_length=64, default="UTC")
    timezone_before = models.CharField(max_length=64, blank=True)
    timezone_since = models.DateTimeField(null=True, blank=True)  # a change takes effect at most once a day
    history_since = models.DateTimeField(null=True, blank=True)  # nothing from before is ever an input again
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"subject {self.id}"


class EarlierEpoch(models.Model):
    """A pseudonym that a subject had before they started again. Lists never read it.

    Kept so that erasing somebody also erases what is on record of their earlier epochs (GDPR Art. 17).
    """

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="earlier_epochs")
    pseudonym = models.UUIDField(unique=True)
    epoch = models.PositiveIntegerField()
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "epoch"], name="one_pseudonym_per_epoch")]

    def __str__(self) -> str:
        return f"epoch {self.epoch}"


class FeedChoice(models.Model):
    """The order a subject chose for a surface. It persists until they choose again (DSA Art. 38, 25)."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="feed_choices")
    surface = models.CharField(max_length=16, choices=Surface.choices)
    feed_mode = models.CharField(max_length=16, choices=FeedMode.choices)
    chosen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "surface"], name="one_choice_per_surface")]

    def __str__(self) -> str:
        return f"{self.surface}: {self.feed_mode}"


class Consent(models.Model):
    """One decision about one purpose; the latest row counts and none is ever changed (GDPR Art. 7(1), 7(3))."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=32, choices=Purpose.choices)
    granted = models.BooleanField()
    given_by = models.ForeignKey(
        Subject, null=True, blank=True, on_delete=models.SET_NULL, related_name="given_consents"
    )
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "purpose", "-id"], name="latest_consent")]

    def __str__(self) -> str:
        return f"{self.purpose}: {'granted' if self.granted else 'refused'}"


class Control(models.Model):
    """One thing that somebody set: for themselves, or a guardian for a child. Both hold; the stricter decides."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="controls")
    kind = models.CharField(max_length=10, choices=ControlKind.choices)
    target = models.CharField(max_length=60, blank=True)  # topic, creator's id, word, signal, objective, limit
    value = models.CharField(max_length=16)
    by_guardian = models.BooleanField(default=False)
    set_by = models.ForeignKey(  # the guardian, whose limits go with them
        Subject, null=True, blank=True, on_delete=models.CASCADE, related_name="limits_set"
    )
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "kind", "target", "by_guardian", "set_by"],
                name="one_control_per_target",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(set_by=None) | models.Q(by_guardian=True), name="nobody_else_sets_ones_own"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target}: {self.value}"


class HiddenItem(models.Model):
    """An item the subject asked not to see again: declared, so it binds every feed mode."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="hidden_items")
    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    hidden_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "item"], name="hidden_once")]

    def __str__(self) -> str:
        return f"hidden {self.item_id}"


class Guardianship(models.Model):
    """A guardian linked to a child."""

    guardian = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="children")
    child = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="guardians")
    linked_at = models.DateTimeField(auto_now_add=True)
    topics_agreed = models.BooleanField(default=False)  # by the child: what 13 to 15 year olds may show

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guardian", "child"], name="linked_once"),
            models.CheckConstraint(condition=~models.Q(guardian=models.F("child")), name="not_ones_own_guardian"),
        ]

    def __str__(self) -> str:
        return f"guardianship {self.pk}"


class GuardianInvite(models.Model):
    """A guardian's offer to be linked: the child answers it with its code, and the guardian confirms who answered."""

    guardian = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="invites")
    code_sha256 = models.CharField(max_length=64, unique=True)  # the code itself is shown once and kept nowhere
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    child = models.ForeignKey(Subject, null=True, blank=True, on_delete=models.CASCADE, related_name="answered_invites")
    answered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invite {self.pk}"


class GuardianView(models.Model):
    """One look of a guardian at a child's account: both can read it, and nobody can undo it."""

    guardian = models.ForeignKey(Subject, null=True, on_delete=models.SET_NULL, related_name="looks")
    child = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="seen_by")
    what = models.CharField(max_length=16)
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["child", "-id"], name="latest_looks")]

    def __str__(self) -> str:
        return f"look {self.pk}"
