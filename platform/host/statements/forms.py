"""Forms that check what the statements' pages send: a complaint with files, and its answer."""

from __future__ import annotations

from typing import Any

from django import forms

from compliance.statements.evidence import MOST_BYTES, MOST_FILES, Accepted, accept
from compliance.statements.models import Outcome
from compliance.statements.models.complaints import MOST_COMPLAINT


class Files(forms.ClearableFileInput):
    """A field for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, each judged by its bytes. Raises ComplaintRefused, which says what is wrong in words."""

    widget = Files

    def clean(self, data: Any, initial: Any = None) -> list[Accepted]:
        """Read and judge each; no more of one than may be kept, and no more files than may come."""
        given: list[Any] = [one for one in data or [] if one]
        return [accept(name=str(one.name), content=one.read(MOST_BYTES + 1) or b"") for one in given[: MOST_FILES + 1]]


class ComplaintForm(forms.Form):
    """What is wrong with a decision, and what shows it."""

    text = forms.CharField(
        label="What is wrong with the decision?",
        max_length=MOST_COMPLAINT,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    evidence = FilesField(label="Files that show it (if you like)", required=False)


class ReviewForm(forms.Form):
    """A reviewer's answer."""

    outcome = forms.ChoiceField(choices=[(one.value, one.label) for one in Outcome if one != Outcome.OPEN])
    reasons = forms.CharField(max_length=MOST_COMPLAINT, widget=forms.Textarea(attrs={"rows": 6}))
