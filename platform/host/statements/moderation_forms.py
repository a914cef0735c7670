"""Forms that check what a moderator says of an item: its label, or a decision about it."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, Final

from django import forms
from django.conf import settings

from compliance.labels.services import MOST_WHY
from compliance.labels.values import AUDIENCE, Category, Verdict
from compliance.statements.export import schema
from compliance.statements.models import Ground, Kind, Source
from compliance.subjects.models import Tier
from host.statements.services import CLEAR
from ranking.catalogue.models import Audience

VERDICTS: Final = (
    ("", "Choose what you found"),
    (CLEAR, "Nothing that is unsafe for minors"),
    ("Unsafe for minors", [(f"{Verdict.UNSAFE}:{one.value}", f"Unsafe: {one.label}") for one in Category]),
    ("Suitable for", [(f"{AUDIENCE}:{one.value}", f"Audience: {one.label}") for one in Audience]),
)


def words(name: str) -> str:
    """A code of the public database as words."""
    return name.replace("_", " ").capitalize()


def choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Codes with their words."""
    return [(name, words(name)) for name in names]


class LabelForm(forms.Form):
    """What a person found who looked at an item."""

    verdict = forms.ChoiceField(label="What you found", choices=VERDICTS)
    why = forms.CharField(
        label="Why",
        help_text=f"What you saw, in up to {MOST_WHY} characters. Where it restricts the item, its creator reads it.",
        max_length=MOST_WHY,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DecisionForm(forms.Form):
    """A decision about an item, with what its statement must say (DSA Art. 17(3) (D17))."""

    kind = forms.ChoiceField(label="What is done", choices=[("", "Choose what is done"), *Kind.choices])
    amount = forms.IntegerField(
        label="By how much", help_text="A demotion only: thousandths of the score, 1 to 1000.", required=False,
        min_value=1, max_value=1000,
    )  # fmt: skip
    rule = forms.CharField(
        label="Rule", help_text="A short name of the rule, such as terms.clickbait: one decision each.", max_length=100
    )
    facts = forms.CharField(
        label="Facts",
        help_text="What you found in this very item. Its creator reads it, and the public database: name nobody.",
        max_length=schema.MOST_FACTS,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    ground = forms.ChoiceField(label="Ground", choices=[("", "Choose a ground"), *Ground.choices])
    ground_reference = forms.CharField(label="The law, or the clause of the terms", max_length=schema.MOST_WORDS)
    ground_explanation = forms.CharField(
        label="Why it applies", max_length=schema.MOST_EXPLANATION, widget=forms.Textarea(attrs={"rows": 3})
    )
    category = forms.ChoiceField(
        label="Category", choices=[("", "Choose a category"), *choices(schema.CATEGORIES)],
    )  # fmt: skip
    keywords = forms.MultipleChoiceField(
        label="Keywords (if any fit)",
        choices=choices(tuple(one for one in schema.KEYWORDS if one != "OTHER")),
        required=False,
    )
    led_to_by = forms.ChoiceField(label="What led to it", choices=Source.choices, initial=Source.OWN_INITIATIVE)
    notifier = forms.CharField(
        label="Who notified us", help_text="Not for our own initiative.", max_length=schema.MOST_WORDS, required=False
    )
    automated_detection = forms.BooleanField(label="Automated means found it", required=False)
    automated_means = forms.BooleanField(label="Automated means helped to decide", required=False)
    content_types = forms.MultipleChoiceField(
        label="What the item is",
        choices=choices(tuple(one for one in schema.CONTENT_TYPES if one != "OTHER")),
        initial=lambda: [settings.CONTENT_TYPE],
    )
    territories = forms.CharField(
        label="Where",
        help_text="Countries by two letters, EU or EEA, with spaces between. Empty: everywhere.",
        max_length=200,
        required=False,
    )
    tiers = forms.MultipleChoiceField(
        label="For which age groups",
        help_text="None: for everybody.",
        choices=Tier.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    ends_on = forms.DateField(
        label="Until the end of",
        help_text="A day. Empty: until it is reversed.",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def given(self, item_id: int) -> dict[str, Any]:
        """What was sent, as `shapes.new_decision` takes it. Only of a form that is valid."""
        sent = dict(self.cleaned_data)
        ends_on = sent.pop("ends_on")
        return {
            **sent,
            "item": item_id,
            "territories": sent["territories"].replace(",", " ").split(),
            "ends_at": None if ends_on is None else datetime.combine(ends_on, time.max, UTC),
            "ground_url": "",
            "also_illegal": None,
            "more_categories": [],
            "keyword_other": "",
            "content_type_other": "",
            "content_language": "",
            "account_type": "",
            "ean": "",
        }
