"""The lists: the feed, an item with its related list, the order switch on both, and the covers."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.policy.services import choose_feed
from compliance.serving.door import UnknownItem, serve
from compliance.serving.restricting import labels_on
from compliance.serving.types import Context
from compliance.subjects.models import Subject, Surface
from host.dashboard import selectors
from host.dashboard.controls_selectors import creator_row
from host.dashboard.covers import cover_svg
from host.dashboard.forms import OrderForm, once_of
from host.dashboard.refusals import SENTENCES, for_people, refusal
from host.dashboard.requests import asker, item_or_404, page_of, uuid_or_none, wants_fragment
from host.dashboard.services import record_opening
from host.dashboard.survey_views import survey_under
from host.dashboard.words import MODES
from ranking.catalogue.models import Item

COVER_SECONDS: Final = 365 * 24 * 3600


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """Show the person's feed, or say what this is to those who are not signed in."""
    if not request.user.is_authenticated and not wants_fragment(request):
        return render(request, "landing.html")
    return own_feed(request)


@for_people
def own_feed(request: HttpRequest) -> HttpResponse:
    """Serve one slate of the home surface. `?list=` shows that very slate again instead of the next one."""
    if request.method == "HEAD":  # nobody looks, so nothing is served
        return HttpResponse()
    return _list_response(request, asker(request), once=once_of(request.GET))


@require_safe
@for_people
def item(request: HttpRequest, item_id: int) -> HttpResponse:
    """Show an item and its related list. Opening it from a slate (`?serve=`) is recorded as a click."""
    subject, found = asker(request), item_or_404(item_id)
    if request.method == "HEAD":
        _refuse_unseen(subject, item_id)
        return HttpResponse()
    if serve_id := uuid_or_none(request.GET.get("serve", "")):
        record_opening(subject=subject, item_id=item_id, serve_id=serve_id)
    return _list_response(request, subject, once=once_of(request.GET), anchor=found)


@require_POST
@for_people
def order(request: HttpRequest) -> HttpResponse:
    """Choose the order of a surface; it holds until chosen again, on every visit and device (DSA Art. 38, 25)."""
    form = OrderForm(request.POST)
    if not form.is_valid():
        return refusal(request, 400, SENTENCES[400])
    subject, chosen = asker(request), form.cleaned_data
    anchor = item_or_404(chosen["anchor"]) if chosen["anchor"] else None
    if anchor:
        _refuse_unseen(subject, anchor.pk)
    choose_feed(subject=subject, surface=chosen["surface"], feed_mode=chosen["feed_mode"])
    status = f"{MODES[chosen['feed_mode']].sentence}. Your choice is saved."
    if wants_fragment(request):
        return _list_response(request, subject, once=once_of(request.POST), anchor=anchor, status=status)
    messages.success(request, status)
    return redirect(page_of(anchor))


@require_safe
def cover(request: HttpRequest, item_id: int) -> HttpResponse:
    """Draw an item's cover. It tells nothing of the item but colours, so it asks nobody who they are."""
    found = item_or_404(item_id)
    svg = cover_svg(item_id=found.pk, title=found.title, topics=found.topics)
    return HttpResponse(
        svg, content_type="image/svg+xml", headers={"Cache-Control": f"public, max-age={COVER_SECONDS}, immutable"}
    )


def _refuse_unseen(subject: Subject, item_id: int) -> None:
    if not selectors.may_see(subject=subject, surface=Surface.RELATED, item_id=item_id):
        raise UnknownItem


def _list_response(
    request: HttpRequest, subject: Subject, *, once: str, anchor: Item | None = None, status: str = ""
) -> HttpResponse:
    """Serve a slate and show it: in its whole page, or for htmx the list alone."""
    surface = Surface.RELATED if anchor else Surface.HOME
    slate = serve(
        subject=subject,
        context=Context(
            surface=surface.value,
            now=timezone.now(),
            timezone=subject.timezone,
            anchor_id=anchor.pk if anchor else None,
        ),
        idempotency_key=f"{surface.value}-{anchor.pk if anchor else 0}-{once}",
    )
    page = selectors.list_page(subject=subject, slate=slate, once=once, anchor=anchor)
    context: dict[str, Any] = {"page": page, "status": status, "survey": survey_under(request, subject, slate)}
    if wants_fragment(request):
        return render(request, "fragments/list.html", {**context, "swap": True})
    if anchor:
        context |= {
            "item": anchor,
            "reactions": selectors.reactions_of(subject=subject, item_id=anchor.pk),
            "labels": labels_on(subject, anchor.pk, now=timezone.now()),
        }
        if anchor.creator is not None:
            context["creator"] = creator_row(subject=subject, creator=anchor.creator)
    return render(request, "item.html" if anchor else "feed.html", context)
