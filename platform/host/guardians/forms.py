"""Forms of guardians, limits and the time zone."""

from __future__ import annotations

from typing import Final
from zoneinfo import available_timezones

from django import forms

from compliance.limits.setting import TARGETS
from compliance.subjects.guarding import LOOKS
from compliance.subjects.models import Tier

MINORS: Final = tuple((tier.value, tier.label) for tier in (Tier.CHILD, Tier.YOUNG_TEEN, Tier.TEEN))
ZONES: Final = tuple((name, name) for name in sorted(available_timezones()))


class CodeForm(forms.Form):
    """A guardian's code, as the child types it."""

    code = forms.CharField(max_length=40)


class LimitForm(forms.Form):
    """A limit; an empty value takes it back."""

    target = forms.ChoiceField(choices=list(TARGETS.items()))
    value = forms.CharField(max_length=8, required=False)


class YesNoForm(forms.Form):
    """A yes or a no: parental consent, topics that a guardian may see."""

    granted = forms.TypedChoiceField(choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes")


class LookForm(forms.Form):
    """What a guardian looks at."""

    what = forms.ChoiceField(choices=[(what, what) for what in LOOKS])


class ZoneForm(forms.Form):
    """The time zone where the person is."""

    zone = forms.ChoiceField(choices=ZONES)
