"""Forms of a person's age group."""

from __future__ import annotations

from typing import Final

from django import forms

from compliance.subjects.models import Tier

TIERS: Final = tuple((tier.value, tier.label) for tier in (Tier.CHILD, Tier.YOUNG_TEEN, Tier.TEEN, Tier.ADULT))


class TierForm(forms.Form):
    """An age group: declared, contested or attested."""

    tier = forms.ChoiceField(choices=TIERS)


class TokenForm(forms.Form):
    """A proof, and the number that it is about."""

    number = forms.RegexField(r"\A[0-9a-f]{64}\Z")
    token = forms.CharField(max_length=2000)
