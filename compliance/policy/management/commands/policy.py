"""`manage.py policy VERB`: show, prove and change policy sets. Exit 0: well, 1: faults, 2: it could not be done."""

from __future__ import annotations

from compliance.audit.management.verbs.command import VerbCommand
from compliance.policy.management.verbs.changes import Activate, Approve, DryRun, Propose, Refuse, Versions
from compliance.policy.management.verbs.check import Check
from compliance.policy.management.verbs.show import Show
from compliance.policy.pack import PackRefused


class Command(VerbCommand):
    """One verb a call."""

    help = "Show the policy set in force, prove that it breaks no invariant in any state of the router, or change it."
    verbs = (Check, Show, Propose, DryRun, Approve, Refuse, Activate, Versions)
    hindrances = (*VerbCommand.hindrances, OSError, PackRefused)
