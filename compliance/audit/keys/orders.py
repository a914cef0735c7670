"""Who may order an erasure or a rotation: the subject for themselves, the published schedule, or two people."""

from __future__ import annotations

from typing import Any, Final

from compliance.audit.keys.errors import OrderRefused

SUBJECT: Final = "subject"
"""`by` of what a person asks for themselves (GDPR Art. 17(1)): it names nobody."""
SCHEDULE: Final = "schedule"
"""`by` of what the published schedule does."""
WHY_LENGTH: Final = 64


def order(*, by: str, approved_by: str, why: str) -> dict[str, Any]:
    """What an event says of who ordered it. Raises OrderRefused.

    Where a person orders what concerns others, a second one approves it (ASVS 5.0, 2.3.5). Names are taken as they are
    given: who may give them is for the machine's accounts to say.
    """
    by, approved_by, why = by.strip(), approved_by.strip(), why.strip()
    if not by or not why or len(why) > WHY_LENGTH:
        raise OrderRefused(f"An order needs somebody who gives it and a reason of 1 to {WHY_LENGTH} characters.")
    if by in (SUBJECT, SCHEDULE):
        if approved_by:
            raise OrderRefused(f"What the {by} orders needs nobody's approval: leave `approved_by` empty.")
    elif same_person(approved_by, by) or approved_by in ("", SUBJECT, SCHEDULE):
        raise OrderRefused(
            f"{by} ordered what concerns others, and no second person approved it: have somebody else approve it."
        )
    return {"by": by, "approved_by": approved_by, "why": why}


def order_of_people(*, by: str, approved_by: str, why: str) -> dict[str, Any]:
    """`order` where somebody types it: neither the subject nor the schedule does. Raises OrderRefused."""
    if by.strip() in (SUBJECT, SCHEDULE):
        raise OrderRefused(f"{by} gives no orders here: name who orders it, and who else approved it.")
    return order(by=by, approved_by=approved_by, why=why)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are spelt."""
    return one.strip().casefold() == other.strip().casefold()
