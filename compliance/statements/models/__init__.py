"""What a decision is, the statement that goes with it, complaints, and what was sent to the public database."""

from __future__ import annotations

from compliance.statements.models.actors import Actor, ActorKind
from compliance.statements.models.complaints import Complaint, Evidence, Outcome
from compliance.statements.models.decisions import (
    AccountType,
    Automation,
    Decision,
    Ground,
    Kind,
    Reversal,
    ServedPenalty,
    Source,
    Standing,
)
from compliance.statements.models.delivery import CreatorAccount, Delivery, Statement
from compliance.statements.models.submissions import Reconciliation, State, Submission

__all__ = [
    "AccountType",
    "Actor",
    "ActorKind",
    "Automation",
    "Complaint",
    "CreatorAccount",
    "Decision",
    "Delivery",
    "Evidence",
    "Ground",
    "Kind",
    "Outcome",
    "Reconciliation",
    "Reversal",
    "ServedPenalty",
    "Source",
    "Standing",
    "State",
    "Statement",
    "Submission",
]
