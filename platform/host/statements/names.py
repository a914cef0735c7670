"""What accounts know of people: whose an address is, and what of them may not be published."""

from __future__ import annotations

from compliance.statements.models import CreatorAccount, Decision
from compliance.subjects.models import Subject
from host.accounts.models import User


def names_of(decision: Decision) -> list[str]:
    """Display names, and the names in e-mail addresses, of whoever the decision's creator is."""
    links = CreatorAccount.objects.filter(creator=decision.item.creator_id).values("subject_id")
    names: list[str] = []
    for display_name, email in User.objects.filter(subject_id__in=links).values_list("display_name", "email"):
        names += [name for name in (display_name, email.partition("@")[0]) if name]
    return names


def subject_behind(email: str) -> Subject | None:
    """Who signs in with an address; None where nobody does, or who does is no person of this service."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).select_related("subject").first()
    return None if user is None else user.subject
