"""Somebody whose record is erased goes on under a new pseudonym: what was sealed stays closed, lists go on."""

from __future__ import annotations

import pytest
from django.utils import timezone

from compliance.audit.keys.errors import KeyErased, OrderRefused
from compliance.audit.models import AuditEvent, KeyTombstone, ServeRecord, SubjectKey
from compliance.audit.selectors import document_of
from compliance.serving.door import serve
from compliance.serving.types import Context
from compliance.subjects.services import begin_anew, hide_item
from ranking.catalogue.models import Item
from tests.conftest import World

WHY = "asked for it"


def test_after_beginning_anew_the_record_is_closed_and_lists_go_on(world: World) -> None:
    sam, alex = world.subject("sam"), world.subject("alex")
    hide_item(subject=sam, item_id=Item.objects.order_by("id")[0].id)
    slates = [serve(subject=each, context=Context(surface="home", now=timezone.now())) for each in (sam, alex)]
    gone, epoch = sam.pseudonym, sam.epoch
    begin_anew(subject=sam, why=WHY)
    assert (sam.pseudonym != gone, sam.epoch) == (True, epoch + 1)
    assert not SubjectKey.objects.filter(pk=gone).exists()
    assert KeyTombstone.objects.filter(pk=gone).exists()
    events = AuditEvent.objects.filter(pseudonym=gone)
    assert events.exists()
    sealed: list[ServeRecord | AuditEvent] = [ServeRecord.objects.get(id=slates[0].serve_id), *events]
    for each in sealed:
        with pytest.raises(KeyErased):
            document_of(each)
    assert document_of(ServeRecord.objects.get(id=slates[1].serve_id))
    again = ServeRecord.objects.get(id=serve(subject=sam, context=Context(surface="home", now=timezone.now())).serve_id)
    assert (again.pseudonym, document_of(again)["asker"]["epoch"]) == (sam.pseudonym, epoch + 1)


def test_nobody_is_begun_anew_by_one_other_person(world: World) -> None:
    sam = world.subject("sam")
    before = sam.pseudonym
    with pytest.raises(OrderRefused):
        begin_anew(subject=sam, why=WHY, by="ann")
    sam.refresh_from_db()
    assert sam.pseudonym == before
