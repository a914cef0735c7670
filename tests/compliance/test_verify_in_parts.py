"""Several processes find what one finds."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from compliance.audit.heads import LogPlace
from compliance.audit.ingest.services import record_batch
from compliance.audit.log.note import SigningKey
from compliance.audit.models import ServeRecord
from compliance.audit.sequencer import assign, publish
from compliance.audit.verification import verify
from compliance.audit.verification.parts import InTransaction
from compliance.audit.verification.tally import Tally
from tests.compliance.ingest.conftest import made_source
from tests.compliance.ingest.made_decisions import decision

KEY = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_same_faults_are_found_by_any_number_of_processes(tmp_path: Path, jobs: int) -> None:
    place = LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())
    events = [decision(number) for number in range(1, 41)]
    record_batch(source=made_source("elsewhere"), events=events, now_ms=int(time.time() * 1000))
    assign()
    publish(place, KEY)
    ids = list(ServeRecord.objects.order_by("id").values_list("id", flat=True))
    ServeRecord.objects.filter(id=ids[3]).update(tier="teen")
    ServeRecord.objects.filter(id=ids[38]).update(body=b"\x02")
    ServeRecord.objects.filter(id=ids[20]).delete()
    tally = Tally()
    now = timezone.now() + timedelta(seconds=30)
    found = list(verify(place, now=now, tally=tally, jobs=jobs))
    assert [
        str(number) for number in (ids[3], ids[20], ids[38]) if not any(str(number) in each for each in found)
    ] == []
    assert len(found) == 4  # the changed body is neither what was committed to, nor opens
    assert (tally.records, tally.lost) == (39, 1)


@pytest.mark.django_db
def test_a_transaction_cannot_be_verified_by_others(tmp_path: Path) -> None:
    with pytest.raises(InTransaction, match="use one job"):
        list(verify(LogPlace(folder=tmp_path, verifier=KEY.verifier()), now=timezone.now(), jobs=2))
