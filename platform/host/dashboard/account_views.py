"""The account page: what is known and what was chosen."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from host.dashboard import account_selectors
from host.dashboard.forms import ConsentForm, ObjectionForm
from host.dashboard.refusals import SENTENCES, for_people, refusal
from host.dashboard.requests import asker
from host.dashboard.services import decide_consent, decide_objection

GIVEN = "You agreed: what you do here may order your lists. You can take this back here at any time."
WITHDRAWN = "Done: your lists no longer follow what you do here."

OBJECTED: Final = "Done: you objected, so nothing that you do here orders your lists or chooses adverts."
OBJECTS_NO_MORE: Final = "Done: you took your objection back. What you agreed to, or did not, holds again."


@require_safe
@for_people
def account(request: HttpRequest) -> HttpResponse:
    """Show age group, consent, orders and guardians."""
    return render(request, "account.html", {"page": account_selectors.account_page(subject=asker(request))})


@require_POST
@for_people
def consent(request: HttpRequest) -> HttpResponse:
    """Give or withdraw consent to personalisation; withdrawing is as easy as giving (GDPR Art. 7(3))."""
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return refusal(request, 400, SENTENCES[400])
    granted = form.cleaned_data["granted"]
    decide_consent(subject=asker(request), granted=granted)
    messages.success(request, GIVEN if granted else WITHDRAWN)
    return redirect("account")


@require_POST
@for_people
def objection(request: HttpRequest) -> HttpResponse:
    """Object to profiling, or take that back; no reason is asked (GDPR Art. 21)."""
    form = ObjectionForm(request.POST)
    if not form.is_valid():
        return refusal(request, 400, SENTENCES[400])
    objects = form.cleaned_data["objects"]
    decide_objection(subject=asker(request), objects=objects)
    messages.success(request, OBJECTED if objects else OBJECTS_NO_MORE)
    return redirect("account")
