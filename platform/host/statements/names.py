"""What accounts know of the people a decision concerns, so that none of it is published."""

from __future__ import annotations

from compliance.statements.models import CreatorAccount, Decision
from host.accounts.models import User


def names_of(decision: Decision) -> list[str]:
    """Display names, and the names in e-mail addresses, of whoever the decision's creator is."""
    links = CreatorAccount.objects.filter(creator=decision.item.creator_id).values("subject_id")
    names: list[str] = []
    for display_name, email in User.objects.filter(subject_id__in=links).values_list("display_name", "email"):
        names += [name for name in (display_name, email.partition("@")[0]) if name]
    return names
