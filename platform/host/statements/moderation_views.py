"""The moderator's pages about items: those that wait for a person, what was said of one, and decisions about it."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.labels.selectors import awaiting_a_person, story
from compliance.labels.services import LabelRefused
from compliance.statements.errors import AlreadyDecided, DecisionRefused
from compliance.statements.models import Decision
from host.dashboard.refusals import refusal
from host.statements.access import for_moderators, moderator_behind
from host.statements.moderation_forms import DecisionForm, LabelForm
from host.statements.services import actor_of, label_item, take_decision
from host.statements.shapes import new_decision
from ranking.catalogue.models import Item

MOST: Final = 50
SAID: Final = "What you found is on record, and holds from the next list on."
SAID_BEFORE: Final = "A moderator had said so before: nothing changed."
DECIDED: Final = "The decision is taken, and its statement is with the item's creator."


@require_safe
@for_moderators
def waiting(request: HttpRequest) -> HttpResponse:
    """List the items that wait for a person; `?item=` leads to any other by its number."""
    named = request.GET.get("item", "").strip()
    if named.isascii() and named.isdecimal() and Item.objects.filter(pk=int(named[:18]), service=_here()).exists():
        return redirect("moderation_item", int(named[:18]))
    found = awaiting_a_person(service=_here())
    context = {"items": found[:MOST], "count": found.count(), "unknown": named}
    return render(request, "statements/items.html", context, status=404 if named else 200)


@require_safe
@for_moderators
def item(request: HttpRequest, item_id: int) -> HttpResponse:
    """Show an item with everything that was said of it and what holds it."""
    return _page(request, _item(item_id), LabelForm())


@require_POST
@for_moderators
def label(request: HttpRequest, item_id: int) -> HttpResponse:
    """Take a moderator's word on an item, with its reason."""
    found, form = _item(item_id), LabelForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=400)
    given = form.cleaned_data
    try:
        new = label_item(user=moderator_behind(request), item=found, verdict=given["verdict"], why=given["why"])
    except (LabelRefused, DecisionRefused) as error:
        return refusal(request, 409, str(error))
    messages.success(request, SAID if new else SAID_BEFORE)
    return redirect("moderation_item", item_id)


@require_http_methods(["GET", "HEAD", "POST"])
@for_moderators
def decision(request: HttpRequest, item_id: int) -> HttpResponse:
    """Ask for a decision about an item, and take it with its statement (DSA Art. 17)."""
    found, form = _item(item_id), DecisionForm(request.POST if request.method == "POST" else None)
    user = moderator_behind(request)
    if request.method != "POST" or not form.is_valid():
        return _asked(request, found, form, "", status=400 if form.is_bound else 200)
    try:
        take_decision(service=_here(), new=new_decision(form.given(item_id), actor_of(user)), user=user)
    except (AlreadyDecided, DecisionRefused) as error:
        return _asked(request, found, form, str(error), status=409)
    messages.success(request, DECIDED)
    return redirect("moderation_item", item_id)


def _here() -> str:
    return str(settings.SERVICE)


def _item(item_id: int) -> Item:
    try:
        return Item.objects.select_related("creator").get(pk=item_id, service=_here())
    except Item.DoesNotExist as error:
        raise Http404 from error


def _page(request: HttpRequest, found: Item, form: LabelForm, status: int = 200) -> HttpResponse:
    decisions = Decision.objects.filter(item=found).select_related("decided_by", "reversal").order_by("-id")
    context: dict[str, Any] = {
        "item": found,
        "description": found.facts.get("description", ""),
        "labels": story(found.pk)[:MOST],
        "decisions": decisions[:MOST],
        "form": form,
    }
    return render(request, "statements/item.html", context, status=status)


def _asked(request: HttpRequest, found: Item, form: DecisionForm, refused: str, status: int) -> HttpResponse:
    return render(request, "statements/decide.html", {"item": found, "form": form, "refused": refused}, status=status)
