"""`manage.py controls prove SERVE CONTROL`: decide a served list again without a control, and say what differs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from compliance.audit.keys.errors import KeyErased, KeyMissing
from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of
from compliance.serving.proving.again import WorldMoved, with_and_without
from compliance.serving.proving.judging import Proof, prove
from compliance.serving.proving.taking import NothingTaken, taken_of
from compliance.subjects.models import Subject


class Command(BaseCommand):
    """Proves that a control acted on a list, and on nothing else (DSA Art. 27(3); M2, M4)."""

    help = "Decide a served list again without one control (topic:Drama, hide:12, pause, …) and judge what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which list, and which control."""
        parser.add_argument("act", choices=["prove"])
        parser.add_argument("serve", type=UUID, help="the number of a list that was just served")
        parser.add_argument("control", help="KIND:TARGET, or pause, feed_mode, start_again")

    def handle(self, *_: Any, serve: UUID, control: str, **__: Any) -> None:
        """Prove, and fail where something else differs."""
        try:
            record = ServeRecord.objects.get(id=serve, source="")
            subject = Subject.objects.get(pseudonym=record.pseudonym)
            proof = prove(
                with_and_without(document_of(record), subject_id=subject.id, taken=taken_of(control)),
            )
        except (ServeRecord.DoesNotExist, Subject.DoesNotExist) as error:
            raise CommandError(f"There is no record {serve} of a list that somebody has today.") from error
        except (KeyErased, KeyMissing, NothingTaken, WorldMoved) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_told(proof))
        if not proof.holds:
            raise CommandError("The control did not do what it says: read the lines above.")


def _told(proof: Proof) -> str:
    here, there = set(proof.served), set(proof.other)
    lines = [
        f"With {proof.control}: {len(proof.served)} items; without it: {len(proof.other)}.",
        f"Candidates it is about: {len(proof.named)}. Only with it: {sorted(here - there)}. "
        f"Only without it: {sorted(there - here)}.",
        *proof.faults,
    ]
    if proof.holds:
        lines.append("What it names has changed, and nothing else differs.")
    return "\n".join(lines)
