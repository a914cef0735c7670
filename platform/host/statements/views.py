"""The creator's pages: what was decided about their items, one statement whole, and complaining about it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from compliance.statements.complaints import complain
from compliance.statements.errors import ComplaintRefused
from compliance.statements.evidence import MOST_BYTES, MOST_FILES
from compliance.statements.models import Evidence, Statement
from compliance.statements.reading import evidence_for, own_statement, statements_of
from compliance.statements.services import mark_read
from host.dashboard.refusals import for_people, refusal
from host.dashboard.requests import asker, uuid_or_none
from host.statements.access import is_moderator, moderator_behind
from host.statements.forms import ComplaintForm
from host.statements.services import note_look
from host.statements.shown import shown_statement

PAGE: Final = 25
SENT: Final = "Your complaint was sent. A person who did not take the decision looks at it, and the answer comes here."


@require_safe
@for_people
def statements(request: HttpRequest) -> HttpResponse:
    """List the statements about the person's items, newest first; `?after=` is the next page."""
    found = statements_of(asker(request))
    if after := uuid_or_none(request.GET.get("after", "")):
        found = found.filter(pk__lt=after)
    page = [shown_statement(one) for one in found[: PAGE + 1]]
    context = {"statements": page[:PAGE], "after": page[PAGE - 1].id if len(page) > PAGE else None}
    return render(request, "statements/list.html", context)


@require_safe
@for_people
def statement(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """Show one statement whole, with the form for a complaint while one can be made."""
    found = _own(request, decision_id)
    mark_read(statement=found, subject=asker(request))
    return _page(request, found, ComplaintForm())


@require_POST
@for_people
def complaint(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """Take a complaint with its files (DSA Art. 20(1)); what is wrong with it is said on the page."""
    found = _own(request, decision_id)
    form = ComplaintForm(request.POST, {"evidence": request.FILES.getlist("evidence")})  # type: ignore[arg-type]
    try:
        if not form.is_valid():
            return _page(request, found, form, status=400)
        given: dict[str, Any] = form.cleaned_data
        complain(statement=found, complainant=asker(request), text=given["text"], evidence=given["evidence"])
    except ComplaintRefused as error:
        return refusal(request, 422, str(error))
    messages.success(request, SENT)
    return redirect("statement", decision_id)


@require_safe
@for_people
def evidence(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """Hand out a file as a download to who sent it, or to a moderator, whose look is on record. It is never shown."""
    moderates = is_moderator(request.user)
    try:
        found = evidence_for(evidence_id=evidence_id, subject=None if moderates else asker(request))
    except Evidence.DoesNotExist as error:
        raise Http404 from error
    if moderates:
        note_look(user=moderator_behind(request), path=request.path)
    with found.file.open("rb") as file:
        content = file.read()  # at most 2 MiB
    disposition = content_disposition_header(as_attachment=True, filename=found.name) or "attachment"
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)


def _own(request: HttpRequest, decision_id: UUID) -> Statement:
    try:
        return own_statement(subject=asker(request), decision_id=decision_id)
    except Statement.DoesNotExist as error:
        raise Http404 from error


def _page(request: HttpRequest, found: Statement, form: ComplaintForm, status: int = 200) -> HttpResponse:
    context = {
        "page": shown_statement(found),
        "form": form,
        "most_files": MOST_FILES,
        "most_mib": MOST_BYTES // 1024**2,
    }
    return render(request, "statements/statement.html", context, status=status)
