"""The page of a person's age group: what holds, saying it, proving it, contesting it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from compliance.assurance import services
from host.assurance.forms import TIERS, TierForm, TokenForm
from host.assurance.selectors import age_page
from host.dashboard.requests import asker
from host.guardians.views import overview_of, own, posted


@overview_of
def age(request: HttpRequest) -> HttpResponse:
    """Show the age group, how it is known, and what can be done about it."""
    return _page(request)


@require_POST
@own
def number(request: HttpRequest) -> HttpResponse:
    """Make the number that a proof must be about, and show it."""
    return _page(request, number=services.challenge(subject=asker(request), now=timezone.now()))


@posted(TierForm)
def declare(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Say one's age group."""
    services.declare(subject=asker(request), tier=given["tier"], now=timezone.now())
    messages.success(request, "Saved: your lists follow it from the next one on.")
    return redirect("age")


@posted(TokenForm)
def prove(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Take a proof."""
    services.redeem(subject=asker(request), number=given["number"], token=given["token"], now=timezone.now())
    messages.success(request, "The proof counts. We kept your age group and who vouched for it, nothing else.")
    return redirect("age")


@posted(TierForm)
def contest(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Say that the age group is wrong."""
    services.contest(subject=asker(request), wanted=given["tier"], now=timezone.now())
    messages.success(request, "A person will look at it and decide. Until then the stricter rules hold.")
    return redirect("age")


@posted(TierForm)
def attest(request: HttpRequest, given: dict[str, Any], link_id: int) -> HttpResponse:
    """As a guardian, say a child's age group."""
    services.attest(guardian=asker(request), link_id=link_id, tier=given["tier"], now=timezone.now())
    messages.success(request, "Saved: your child's lists follow it from the next one on.")
    return redirect("guardians_child", link_id)


def _page(request: HttpRequest, *, number: str = "") -> HttpResponse:
    page = age_page(subject=asker(request), now=timezone.now())
    return render(request, "assurance/age.html", {"page": page, "tiers": TIERS, "number": number})
