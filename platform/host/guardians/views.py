"""Pages of guardians and children, and one's own limits of time."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.limits.setting import clear_limit, set_limit
from compliance.subjects import guardians, guarding
from compliance.subjects.models import Guardianship
from compliance.subjects.services import declare_timezone
from host.dashboard.refusals import SENTENCES, View, for_people, refusal
from host.dashboard.requests import asker
from host.guardians import selectors
from host.guardians.forms import MINORS, ZONES, CodeForm, LimitForm, LookForm, YesNoForm, ZoneForm

MOST_DIGITS: Final = 9


def own(view: View) -> View:
    """A page about a link: it is not there for anybody who is not on its side of it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Guardianship.DoesNotExist as error:
            raise Http404 from error

    return for_people(guarded)


def posted(form_class: type[forms.Form]) -> Callable[[Callable[..., HttpResponse]], View]:
    """A view that takes a form's values, or refuses the request."""

    def around(view: Callable[..., HttpResponse]) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            form = form_class(request.POST)
            if not form.is_valid():
                return refusal(request, 400, SENTENCES[400])
            return view(request, form.cleaned_data, *args, **kwargs)

        return require_POST(own(checked))

    return around


def overview_of(view: View) -> View:
    """A page that is read."""
    return require_safe(own(view))


@overview_of
def overview(request: HttpRequest) -> HttpResponse:
    """Show guardians, children, codes, looks and one's own limits."""
    asked = request.GET.get("looks", "")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < MOST_DIGITS else 1
    page = selectors.guardians_page(subject=asker(request), now=timezone.now(), looks_page=number)
    return render(request, "guardians/overview.html", {"page": page, "zones": ZONES})


@overview_of
def child(request: HttpRequest, link_id: int) -> HttpResponse:
    """Show a guardian what they can do for one child. Nothing of the child's is seen without a look."""
    page = selectors.child_page(guardian=asker(request), link_id=link_id)
    return render(request, "guardians/child.html", {"page": page, "tiers": MINORS})


@posted(LookForm)
def look(request: HttpRequest, given: dict[str, Any], link_id: int) -> HttpResponse:
    """Look at minutes or topics: on record and shown to the child first."""
    subject = asker(request)
    seen = guarding.look(guardian=subject, link_id=link_id, what=given["what"], now=timezone.now())
    page = selectors.child_page(guardian=subject, link_id=link_id)
    return render(request, "guardians/child.html", {"page": page, "seen": seen, "tiers": MINORS})


@posted(LimitForm)
def child_limit(request: HttpRequest, given: dict[str, Any], link_id: int) -> HttpResponse:
    """Set a guardian's limit, or take it back."""
    guarding.limit_child(guardian=asker(request), link_id=link_id, **given)
    messages.success(request, "The limit is saved, and holds from the next list on.")
    return redirect("guardians_child", link_id)


@posted(YesNoForm)
def consent(request: HttpRequest, given: dict[str, Any], link_id: int) -> HttpResponse:
    """Give or withdraw parental consent."""
    guardians.decide_for(guardian=asker(request), link_id=link_id, granted=given["granted"])
    messages.success(request, "You consented." if given["granted"] else "Your consent is withdrawn.")
    return redirect("guardians_child", link_id)


@require_POST
@own
def invite(request: HttpRequest) -> HttpResponse:
    """Make a code and show it once."""
    code = guardians.invite(guardian=asker(request), now=timezone.now())
    shown = "-".join(code[start : start + 4] for start in range(0, len(code), 4))
    messages.success(request, f"Your code is {shown}. It is shown once and holds for 24 hours: give it to your child.")
    return redirect("guardians")


@posted(CodeForm)
def answer(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Answer a guardian's code, as the child."""
    guardians.answer(child=asker(request), code=given["code"], now=timezone.now())
    messages.success(request, "You answered. You are linked once your guardian confirms that it was you.")
    return redirect("guardians")


@require_POST
@own
def confirm(request: HttpRequest, invite_id: int) -> HttpResponse:
    """Confirm who answered, as the guardian."""
    guardians.confirm(guardian=asker(request), invite_id=invite_id, now=timezone.now())
    messages.success(request, "You are linked.")
    return redirect("guardians")


@require_POST
@own
def take_back(request: HttpRequest, invite_id: int) -> HttpResponse:
    """Withdraw a code, or one's answer to it."""
    if not guardians.take_back(subject=asker(request), invite_id=invite_id):
        raise Http404
    messages.success(request, "The code is gone.")
    return redirect("guardians")


@require_POST
@own
def unlink(request: HttpRequest, link_id: int) -> HttpResponse:
    """End a link."""
    guardians.unlink(subject=asker(request), link_id=link_id)
    messages.success(request, "You are not linked any more.")
    return redirect("guardians")


@posted(YesNoForm)
def topics(request: HttpRequest, given: dict[str, Any], link_id: int) -> HttpResponse:
    """As the child, let a guardian see topics, or no more."""
    guardians.agree_to_topics(child=asker(request), link_id=link_id, agreed=given["granted"])
    messages.success(request, "Saved.")
    return redirect("guardians")


@posted(LimitForm)
def own_limit(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Set one's own limit, or take it back; a guardian's stays."""
    subject = asker(request)
    if given["value"]:
        set_limit(subject=subject, target=given["target"], value=given["value"])
    else:
        clear_limit(subject=subject, target=given["target"])
    messages.success(request, "Your limit is saved, and holds from the next list on.")
    return redirect("guardians")


@posted(ZoneForm)
def zone(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Declare the time zone where one is; at most once a day."""
    declare_timezone(subject=asker(request), name=given["zone"], now=timezone.now())
    messages.success(request, "Your time zone is saved. For a day, the clock of the one before holds too.")
    return redirect("guardians")
