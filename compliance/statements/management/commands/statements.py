"""`manage.py statements VERB`: sending statements of reasons and comparing them. Exit 0: well, 1: faults, 2: not done.

A verb is a class in `management/verbs/`, named in `verbs` below.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from compliance.audit.management.verbs.command import VerbCommand
from compliance.statements.management.verbs.export import BacklogVerb, Export
from compliance.statements.management.verbs.link import LinkCreator, UnlinkCreator
from compliance.statements.management.verbs.reconcile import Reconcile
from compliance.statements.management.verbs.standin import StandInVerb
from compliance.statements.management.verbs.unstated import Unstated


class Command(VerbCommand):
    """One verb a call."""

    help = "Send statements of reasons, say what waits, compare what was sent, link creators to accounts."
    verbs = (
        Export,
        BacklogVerb,
        Reconcile,
        Unstated,
        StandInVerb,
        LinkCreator,
        UnlinkCreator,
    )
    faults = "Not all is as it must be: read the lines above."
    hindrances = (*VerbCommand.hindrances, ImproperlyConfigured, OSError)
