"""Forms that check what the pages send: an order, a reaction, a consent."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.http import QueryDict

from compliance.subjects.models import FeedMode, Surface
from host.api.fields import MAX_ID
from host.dashboard.words import REACTIONS

SECTIONS: Final = ("orders", "pause", "topics", "creators", "words", "signals", "objectives", "hidden")
"""The parts of the page of controls, by the id of each."""
ONCE: Final = re.compile(r"\A[0-9a-f]{32}\Z")


def once_of(data: QueryDict) -> str:
    """Return the page key in a query, or a new one: a key that the page did not make is not used."""
    given = data.get("list", "")
    return given if ONCE.fullmatch(given) else uuid4().hex


class OrderForm(forms.Form):
    """A choice of order for a surface; `anchor` says from which item's page it came."""

    surface = forms.ChoiceField(choices=Surface.choices)
    feed_mode = forms.ChoiceField(choices=FeedMode.choices)
    anchor = forms.IntegerField(required=False, min_value=1, max_value=MAX_ID)

    def clean(self) -> dict[str, Any]:
        """Only the related list is about an item."""
        values = super().clean() or {}
        if (values.get("surface") == Surface.RELATED) != bool(values.get("anchor")):
            raise forms.ValidationError("The related list, and only it, is about an item.")
        return values


class PlaceForm(forms.Form):
    """Where on which page a button stood: the list (`serve`, `once`) and, on an item's page, the item (`anchor`)."""

    surface = forms.ChoiceField(choices=Surface.choices)
    once = forms.RegexField(ONCE)
    serve = forms.UUIDField(required=False)
    anchor = forms.IntegerField(required=False, min_value=1, max_value=MAX_ID)


class ReactionForm(PlaceForm):
    """A reaction to an item."""

    reaction = forms.ChoiceField(choices=[(name, name) for name in REACTIONS])


class ConsentForm(forms.Form):
    """Consent to personalisation, given or withdrawn."""

    granted = forms.TypedChoiceField(choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes")


class ObjectionForm(forms.Form):
    """An objection to profiling, made or taken back."""

    objects = forms.TypedChoiceField(choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes")


class ControlForm(forms.Form):
    """One change of a control. A button says it all (`set`: kind|target|value); a word is written beside it."""

    set = forms.CharField(max_length=120)
    word = forms.CharField(max_length=60, required=False)
    section = forms.ChoiceField(choices=[(name, name) for name in SECTIONS], required=False)
    anchor = forms.IntegerField(required=False, min_value=1, max_value=MAX_ID)

    def clean(self) -> dict[str, Any]:
        """Take what the button says apart: a target may hold any sign, the kind and the value hold no bar."""
        values = super().clean() or {}
        kind, bar, rest = str(values.get("set", "")).partition("|")
        target, second, value = rest.rpartition("|")
        if not bar or not second:
            raise forms.ValidationError("A button of the page says kind, target and value.")
        return {**values, "kind": kind, "target": target or values.get("word", ""), "value": value}


class SurveyForm(forms.Form):
    """An answer to a question under a list, from 1 to 5, or `none` that takes it back."""

    serve = forms.UUIDField()
    once = forms.RegexField(ONCE)
    anchor = forms.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    answer = forms.TypedChoiceField(
        choices=[(one, one) for one in ("none", "1", "2", "3", "4", "5")],
        coerce=lambda value: None if value == "none" else int(value),
        empty_value="",
    )


class StartAgainForm(forms.Form):
    """Starting again, and whether what was declared goes too."""

    also_declared = forms.BooleanField(required=False)
