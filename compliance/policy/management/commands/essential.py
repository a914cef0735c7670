"""`manage.py essential VERB`: notices that everyone needs. Exit 0: done, 2: it could not be done."""

from __future__ import annotations

from compliance.audit.management.verbs.command import VerbCommand
from compliance.policy.management.verbs.essential import Declare, End, Listed


class Command(VerbCommand):
    """One verb a call."""

    help = "Declare what everyone in a region needs (breaking news, safety), end it, or list what stands."
    verbs = (Declare, End, Listed)
