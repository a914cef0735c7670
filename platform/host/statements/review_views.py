"""The moderator's pages: complaints that wait, and one of them with everything that decides it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from compliance.statements.errors import ComplaintRefused, NotReviewable
from compliance.statements.models import Complaint
from compliance.statements.reading import complaint_of, open_complaints
from host.dashboard.refusals import refusal
from host.statements.access import for_moderators, moderator_behind
from host.statements.forms import ReviewForm
from host.statements.services import note_look, review
from host.statements.shown import reversal_of, shown_complaint

MOST: Final = 50
CLOSED: Final = "The complaint is closed, and its answer is with who made it."


@require_safe
@for_moderators
def queue(request: HttpRequest) -> HttpResponse:
    """List open complaints, the oldest first."""
    waiting = open_complaints()
    return render(request, "statements/queue.html", {"complaints": waiting[:MOST], "count": waiting.count()})


@require_safe
@for_moderators
def complaint(request: HttpRequest, complaint_id: UUID) -> HttpResponse:
    """Show one complaint; the look is on record first."""
    found = _complaint(complaint_id)
    note_look(user=moderator_behind(request), path=request.path)
    return _page(request, found, ReviewForm())


@require_POST
@for_moderators
def close(request: HttpRequest, complaint_id: UUID) -> HttpResponse:
    """Close a complaint with its reasons (DSA Art. 20(4), (5))."""
    found, form = _complaint(complaint_id), ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=400)
    given = form.cleaned_data
    try:
        review(
            complaint=found, user=moderator_behind(request), outcome=given["outcome"], reasons=given["reasons"].strip()
        )
    except (ComplaintRefused, NotReviewable) as error:
        return refusal(request, 409, str(error))
    messages.success(request, CLOSED)
    return redirect("moderation")


def _complaint(complaint_id: UUID) -> Complaint:
    try:
        return complaint_of(complaint_id)
    except Complaint.DoesNotExist as error:
        raise Http404 from error


def _page(request: HttpRequest, found: Complaint, form: ReviewForm, status: int = 200) -> HttpResponse:
    context = {
        "complaint": shown_complaint(found),
        "statement": found.statement,
        "decision": found.decision,
        "reversal": reversal_of(found.decision),
        "form": form,
    }
    return render(request, "statements/review.html", context, status=status)
