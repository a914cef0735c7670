"""The page of controls: one form for each section, every way out as short as the way in (DSA Art. 25, 27(3))."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from compliance.subjects.controls import start_again
from host.dashboard.controls_selectors import controls_page
from host.dashboard.controls_services import change
from host.dashboard.forms import ControlForm, StartAgainForm
from host.dashboard.refusals import SENTENCES, for_people, refusal
from host.dashboard.requests import asker, item_or_404, page_of

SAVED: Final = "Saved: your next list follows it."
TAKEN_BACK: Final = "Taken back: your next list is without it."
STARTED: Final = "You started again: nothing you did before this moment counts in a list any more."


@require_safe
@for_people
def controls(request: HttpRequest) -> HttpResponse:
    """Show everything that the person controls."""
    return render(request, "controls.html", {"page": controls_page(subject=asker(request))})


@require_POST
@for_people
def change_control(request: HttpRequest) -> HttpResponse:
    """Set one thing or take it back, and come back to where it stood."""
    form = ControlForm(request.POST)
    if not form.is_valid():
        return refusal(request, 400, SENTENCES[400])
    given = form.cleaned_data
    change(subject=asker(request), kind=given["kind"], target=given["target"], value=given["value"])
    messages.success(request, SAVED if given["value"] else TAKEN_BACK)
    if given["anchor"]:
        return redirect(page_of(item_or_404(given["anchor"])))
    return redirect(f"{reverse('controls')}#{given['section'] or 'main'}")


@require_POST
@for_people
def begin_again(request: HttpRequest) -> HttpResponse:
    """Start again (M4). It is said before that this cannot be taken back."""
    form = StartAgainForm(request.POST)
    if not form.is_valid():
        return refusal(request, 400, SENTENCES[400])
    start_again(subject=asker(request), also_declared=form.cleaned_data["also_declared"])
    messages.success(request, STARTED)
    return redirect("controls")
