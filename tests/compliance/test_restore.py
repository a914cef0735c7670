"""A backup that is restored into another database gives the same log: its root is that of the last checkpoint."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from bench.restoring import dump, restored
from compliance.audit.events import note
from compliance.audit.heads import LogPlace, published
from compliance.audit.log.note import SigningKey
from compliance.audit.models import AuditEvent, LogQueue
from compliance.audit.sequencer import assign, publish, rebuild
from compliance.audit.verification import verify

KEY = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())


@pytest.mark.django_db(transaction=True)
def test_a_restored_backup_rebuilds_to_the_root_of_the_last_checkpoint(tmp_path: Path) -> None:
    AuditEvent.objects.all().delete()
    LogQueue.objects.all().delete()
    place = LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())
    people = [uuid.uuid4() for _ in range(3)]
    for number in range(300):
        note(kind="test", happened_at=timezone.now(), what={"number": number}, pseudonym=people[number % 3])
    assign(events=200)
    publish(place, KEY)
    assign()
    head = publish(place, KEY)
    assert head is not None
    dump(tmp_path / "backup")
    elsewhere = LogPlace(folder=tmp_path / "restored", verifier=KEY.verifier())
    with restored(tmp_path / "backup", f"restored_{os.getpid()}"):
        rebuild(elsewhere)
        assert elsewhere.tiles.root(300) == head.root
        assert published(elsewhere.folder) == published(place.folder)
        assert list(verify(elsewhere, now=timezone.now() + timedelta(seconds=30))) == []
        assert AuditEvent.objects.count() == 300
    assert list(verify(place, now=timezone.now() + timedelta(seconds=30))) == []
