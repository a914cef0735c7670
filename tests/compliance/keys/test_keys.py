"""A subject has one key, made when first needed; an erased one has none, ever again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from compliance.audit.keys import services
from compliance.audit.keys.errors import KeyBroken, KeyErased, KeyMissing, OrderRefused
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.selectors import erased_among, key_of, keys_of
from compliance.audit.keys.services import erase, erasure_mark, key_for, keys_for
from compliance.audit.models import AuditEvent, KeyTombstone, LogQueue, SubjectKey
from tests.compliance.keys.made_keys import WHY, in_thread


@pytest.mark.django_db
def test_a_subject_keeps_one_key_and_others_have_others() -> None:
    one, other = uuid4(), uuid4()
    key = key_for(one)
    assert len(key) == 32
    assert key_for(one) == key_of(one) == key
    assert key_for(other) != key
    assert keys_for([one, other]) == keys_of([one, other, uuid4()]) == {one: key, other: key_of(other)}


@pytest.mark.django_db
def test_the_database_holds_no_key_that_is_not_wrapped() -> None:
    one = uuid4()
    key = key_for(one)
    row = SubjectKey.objects.get(pk=one)
    assert len(row.wrapped) == 60
    assert key not in bytes(row.wrapped)


@pytest.mark.django_db
def test_a_row_given_to_another_pseudonym_does_not_open() -> None:
    one, other = uuid4(), uuid4()
    keys_for([one, other])
    SubjectKey.objects.filter(pk=other).update(wrapped=SubjectKey.objects.get(pk=one).wrapped)
    with pytest.raises(KeyBroken, match="does not open under kek-000001"):
        key_of(other)
    assert len(key_of(one)) == 32


@pytest.mark.django_db
def test_reading_makes_no_key() -> None:
    with pytest.raises(KeyMissing, match="no key for pseudonym"):
        key_of(uuid4())
    assert not SubjectKey.objects.exists()


@pytest.mark.django_db
def test_an_erased_key_is_gone_and_never_made_again() -> None:
    one, other = uuid4(), uuid4()
    kept = keys_for([one, other])[other]
    assert erase(pseudonym=one, by=SUBJECT, why=WHY)
    assert not SubjectKey.objects.filter(pk=one).exists()
    for ask in (key_of, key_for, lambda pseudonym: keys_for([other, pseudonym])):
        with pytest.raises(KeyErased) as refused:
            ask(one)
        assert refused.value.pseudonyms == {one}
    assert keys_of([one, other]) == {other: kept}
    assert erased_among([one, other]) == {one}


@pytest.mark.django_db
def test_who_never_had_a_key_can_be_erased_too() -> None:
    one = uuid4()
    erase(pseudonym=one, by=SUBJECT, why=WHY)
    with pytest.raises(KeyErased):
        key_for(one)
    assert not SubjectKey.objects.exists()


@pytest.mark.django_db
def test_an_erasure_is_one_event_that_names_nobody() -> None:
    one = uuid4()
    key_for(one)
    assert erase(pseudonym=one, by="ann", approved_by="bob", why=WHY)
    assert not erase(pseudonym=one, by="ann", approved_by="bob", why=WHY)
    event = AuditEvent.objects.get(kind="erasure")
    said = json.loads(bytes(event.body))
    assert (said["by"], said["approved_by"], said["why"], said["erased"]) == ("ann", "bob", WHY, erasure_mark(one))
    assert str(one) not in bytes(event.body).decode()
    assert LogQueue.objects.filter(pk=event.pk, kind="erasure").exists()
    assert KeyTombstone.objects.get().why == WHY


@pytest.mark.parametrize(
    ("by", "approved_by", "why"),
    [
        ("ann", "", WHY),
        ("ann", "ann", WHY),
        ("ann", SUBJECT, WHY),
        (SUBJECT, "ann", WHY),
        ("", "ann", WHY),
        ("ann", "bob", ""),
        ("ann", "bob", "w" * 65),
    ],
)
@pytest.mark.django_db
def test_an_order_for_others_needs_two_people_and_a_reason(by: str, approved_by: str, why: str) -> None:
    one = uuid4()
    key = key_for(one)
    with pytest.raises(OrderRefused):
        erase(pseudonym=one, by=by, approved_by=approved_by, why=why)
    with pytest.raises(OrderRefused):
        services.rotate(by=by, approved_by=approved_by, why=why)
    assert key_of(one) == key


@pytest.mark.django_db
def test_an_erasure_that_is_rolled_back_never_was() -> None:
    one = uuid4()
    key = key_for(one)
    with transaction.atomic():
        erase(pseudonym=one, by=SUBJECT, why=WHY)
        transaction.set_rollback(True)
    assert key_for(one) == key_of(one) == key
    assert not AuditEvent.objects.filter(kind="erasure").exists()


@pytest.mark.django_db(transaction=True)
def test_a_key_known_to_the_database_costs_one_statement_and_a_remembered_one_none() -> None:
    one = uuid4()
    key = key_for(one)
    services.forget_all()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert key_for(one) == key
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as asked:
        assert key_for(one) == key
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        assert key_of(one) == key
    assert len(asked) == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_transaction_is_rolled_back_is_not_remembered() -> None:
    one = uuid4()
    with transaction.atomic():
        lost = key_for(one)
        assert key_for(one) == lost
        transaction.set_rollback(True)
    assert key_for(one) == key_of(one) != lost


@pytest.mark.django_db(transaction=True)
def test_an_erased_key_is_forgotten_before_the_erasure_is_committed_and_after() -> None:
    one = uuid4()
    key_for(one)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        erase(pseudonym=one, by=SUBJECT, why=WHY)
        with pytest.raises(KeyErased):
            key_for(one)
        assert in_thread(pool, partial(key_for, one)).result()  # and is remembered, for so long
    with pytest.raises(KeyErased):
        key_for(one)
