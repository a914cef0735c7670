"""`manage.py audit VERB`: what an operator does with the audit trail. Exit 0: well, 1: faults, 2: it could not be done.

A verb is a class in `management/verbs/`, named in `verbs` below.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from compliance.audit.management.verbs.command import VerbCommand
from compliance.audit.management.verbs.grants import Grants
from compliance.audit.management.verbs.hold import Hold
from compliance.audit.management.verbs.keys import Keys
from compliance.audit.management.verbs.proofs import Bundle, Key, Opening, Prove
from compliance.audit.management.verbs.rebuild import Rebuild
from compliance.audit.management.verbs.reconcile import Reconcile
from compliance.audit.management.verbs.retain import Retain
from compliance.audit.management.verbs.verify import Verify
from compliance.serving.replay.verb import ReplayVerb


class Command(VerbCommand):
    """One verb a call."""

    help = "Verify the audit log, prove that an event is in it, hand out evidence, or write its tiles anew."
    verbs = (
        Verify,
        Prove,
        Bundle,
        Opening,
        Rebuild,
        Key,
        Keys,
        Grants,
        Retain,
        Hold,
        Reconcile,
        ReplayVerb,
    )
    faults = "Some things are not as they were recorded: read the lines above."
    hindrances = (*VerbCommand.hindrances, ImproperlyConfigured, OSError)
