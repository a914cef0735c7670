"""Cold months are verified by other processes as they are by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from compliance.audit.cold.move import move
from compliance.audit.cold.schema import ACTS
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.models import AuditEvent, SubjectKey
from compliance.audit.sequencer import assign, publish
from compliance.audit.storage.partitions import make_ahead
from compliance.audit.verification import verify
from compliance.audit.verification.tally import Tally
from tests.compliance.cold.aged import SUMMER, acted_at
from tests.compliance.cold.conftest import KEY
from tests.compliance.cold.test_move import TWO, summer


@pytest.mark.django_db(transaction=True)
def test_a_cold_act_whose_key_went_is_named_by_any_number_of_processes(place: LogPlace, cold: ColdStore) -> None:
    start = datetime(SUMMER.year, SUMMER.month, 3, tzinfo=UTC)
    make_ahead(now=start + timedelta(days=40), months=1)
    make_ahead(now=timezone.now())
    who = uuid4()
    act = acted_at("consent", start, {"granted": True}, pseudonym=who)
    assign()
    publish(place, KEY)
    move(summer(ACTS), place=place, store=cold, **TWO)
    assign()
    publish(place, KEY)
    for jobs in (1, 3):
        assert list(verify(place, now=timezone.now(), jobs=jobs)) == []
    SubjectKey.objects.filter(pseudonym=who).delete()
    for jobs in (1, 3):
        tally = Tally()
        found = list(verify(place, now=timezone.now(), tally=tally, jobs=jobs))
        assert found == [f"audit event {act} is sealed with a key that is gone, though nobody was erased"]
        assert tally.acts == AuditEvent.objects.count() + 1  # and the cold one
