"""The short question under some lists: answered or left alone, and taken back as easily."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from compliance.serving.door import UnknownItem
from compliance.serving.types import Slate
from compliance.subjects.models import Subject
from compliance.surveys.models import StatedPreference
from compliance.surveys.services import NotAsked, answer, ask, take_back
from host.dashboard.forms import SurveyForm
from host.dashboard.refusals import SENTENCES, for_people, refusal
from host.dashboard.requests import asker, item_or_404, page_of, uuid_or_none

THANKS: Final = "Thank you: your answer is stored. You can change it, or take it back."
TAKEN_BACK: Final = "Your answer is taken back."


def survey_under(request: HttpRequest, subject: Subject, slate: Slate) -> StatedPreference | None:
    """What is asked under a list; None under most.

    An answer about a topic changes what the plan allows, so that another list comes: then the question that was just
    answered (`?answered=`) stands under that one, to be taken back where it was given.
    """
    if answered := uuid_or_none(request.GET.get("answered", "")):
        return StatedPreference.objects.filter(subject=subject, serve_id=answered).first()
    return ask(subject=subject, serve_id=slate.serve_id, now=timezone.now())


@require_POST
@for_people
def survey(request: HttpRequest) -> HttpResponse:
    """Store an answer or take it back, and show the very same list again."""
    form = SurveyForm(request.POST)
    if not form.is_valid():
        return refusal(request, 400, SENTENCES[400])
    subject, given = asker(request), form.cleaned_data
    try:
        if given["answer"] is None:
            take_back(subject=subject, serve_id=given["serve"])
        else:
            answer(subject=subject, serve_id=given["serve"], answer=given["answer"])
    except NotAsked as error:
        raise UnknownItem from error
    messages.success(request, TAKEN_BACK if given["answer"] is None else THANKS)
    anchor = item_or_404(given["anchor"]) if given["anchor"] else None
    return redirect(f"{page_of(anchor, list=given['once'], answered=str(given['serve']))}#survey")
