"""A statement of reasons in words, generated from the decision alone (DSA Art. 17(3) (D17))."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from compliance.statements.models import Automation, Decision, Ground, Kind
from compliance.subjects.models import Tier

COMPLAINT_DAYS: Final = 184
"""How long a complaint can be made: six months at least (DSA Art. 20(1)), and no six months are longer than this."""
COURTS: Final = (
    "You may also go to an out-of-court dispute settlement body that a Digital Services Coordinator has certified "
    "(DSA Art. 21), and to a court at any time."
)
REDRESS: Final = (
    f"You can complain here, free of charge, for {COMPLAINT_DAYS} days from when you got this statement "
    f"(DSA Art. 20). A person who did not take the decision looks at it. {COURTS}"
)
_DONE: Final = {
    Kind.REMOVED: "was removed",
    Kind.DISABLED: "can no longer be reached",
    Kind.AGE_RESTRICTED: "is shown to some age groups only",
    Kind.LABELLED: "carries a label",
}


def text_of(decision: Decision, *, title: str) -> str:
    """The whole statement, a paragraph a point of Article 17(3)."""
    return "\n\n".join(
        (
            f"What was done: “{title}” {_done(decision)}. {scope_of(decision)} {_duration(decision)}",
            f"Facts: {decision.facts.strip()}",
            f"What led to it: {_source(decision)}. {_means(decision)}",
            f"Ground: {_ground(decision)}",
            f"Rule: {decision.rule}",
        )
    )


def scope_of(decision: Decision) -> str:
    """Where and for whom, as a sentence."""
    where = f"in {', '.join(decision.territories)}" if decision.territories else "everywhere"
    whom = [str(Tier(tier).label) for tier in decision.tiers]
    return f"This holds {where}, {'for people ' + ', '.join(whom) if whom else 'for everybody'}."


def _done(decision: Decision) -> str:
    if decision.kind == Kind.DEMOTED:
        return (
            f"is placed lower in lists: {decision.amount} thousandths are taken off its score, and in lists without "
            "scores it comes after what is demoted less"
        )
    return _DONE[Kind(decision.kind)]


def _duration(decision: Decision) -> str:
    until = f"until {_day(decision.ends_at)}" if decision.ends_at else "until it is reversed"
    return f"It holds from {_day(decision.starts_at)} {until}."


def _source(decision: Decision) -> str:
    notice = f" (notice {decision.notice_id})" if decision.notice_id else ""
    return f"{_capital(decision.get_source_display())}{notice}"


def _means(decision: Decision) -> str:
    found = "Automated means found it" if decision.automated_detection else "No automated means were used to find it"
    return f"{found}. The decision was taken {Automation(decision.automated_decision).label}."


def _ground(decision: Decision) -> str:
    kind = "The law" if decision.ground == Ground.ILLEGAL else "Our terms and conditions"
    where = f" ({decision.ground_url})" if decision.ground_url else ""
    besides = " We also consider it illegal." if decision.also_illegal else ""
    return f"{kind}, {decision.ground_reference.strip()}{where}. {decision.ground_explanation.strip()}{besides}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
