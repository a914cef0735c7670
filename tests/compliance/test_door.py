"""The door: every slate is planned, ranked, checked and on record before it leaves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import uuid_utils.compat as uuids
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from compliance.audit import services as audit_services
from compliance.audit.canonical import canonical
from compliance.audit.keys.errors import KeyErased
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.services import erase
from compliance.audit.models import LogQueue, ServeKey, ServeRecord
from compliance.audit.selectors import document_of, documents_of, inputs_of, key_of_record
from compliance.serving.door import KeyReused, NotServed, UnknownItem, serve
from compliance.serving.replay import Replayer
from compliance.serving.replay.grades import Grade
from compliance.serving.types import Context, Slate
from compliance.subjects.models import Assurance, Purpose, Subject, Tier
from compliance.subjects.services import choose_feed, hide_item, set_consent
from ranking.catalogue.models import Event, Item
from ranking.catalogue.services import NewEvent, record_events
from ranking.data.schema import Action
from ranking.serving.local import LocalScorer, registry, user_states
from ranking.serving.types import RankInputs
from tests.conftest import World


def serve_on(subject: Subject, surface: str = "home", *, key: str = "", anchor: int | None = None) -> Slate:
    """One slate, now."""
    context = Context(surface=surface, now=timezone.now(), anchor_id=anchor)
    return serve(subject=subject, context=context, idempotency_key=key)


def act(subject: Subject, item_id: int, action: Action) -> None:
    """Something the subject does a moment ago."""
    event = NewEvent(
        id=uuid.uuid4(), item_id=item_id, action=action, occurred_at=timezone.now() - timedelta(milliseconds=5)
    )
    record_events(service=subject.service, subject_id=subject.id, region=subject.region, events=[event])


def ids(slate: Slate) -> list[int]:
    """The slate's items in order."""
    return [item.item_id for item in slate.items]


def newcomer(world: World, **fields: object) -> Subject:
    """A new adult without history."""
    defaults = {"service": world.service, "tier": Tier.ADULT, "assurance": Assurance.SELF_DECLARED}
    return Subject.objects.create(**{**defaults, **fields})


def test_a_personalised_slate_is_scored_and_on_record(world: World) -> None:
    slate = serve_on(world.subject("alex"))
    assert slate.feed_mode == "personalised"
    assert len(slate.items) == 12
    assert all(item.explored or (item.scores and item.blended is not None) for item in slate.items)
    record = ServeRecord.objects.get(id=slate.serve_id)
    assert record.model == world.model_sha256
    assert [item["item_id"] for item in document_of(record)["output"]["items"]] == ids(slate)
    assert recorded_inputs(slate).tokens is not None


def test_an_item_that_was_not_scored_has_no_score(world: World) -> None:
    choose_feed(subject=world.subject("alex"), surface="home", feed_mode="newest")
    slate = serve_on(world.subject("alex"))
    assert {item.blended for item in slate.items} == {None}
    assert {item.scores is None for item in slate.items} == {True}
    assert slate.model_sha256 == ""


def test_the_same_idempotency_key_gives_the_same_slate_and_one_record(world: World) -> None:
    alex = world.subject("alex")
    first, again = serve_on(alex, key="abc"), serve_on(alex, key="abc")
    assert (again.serve_id, ids(again), again.replayed) == (first.serve_id, ids(first), True)
    assert not first.replayed
    assert ServeRecord.objects.filter(pseudonym=alex.pseudonym).count() == 1


def test_a_key_never_brings_back_a_list_that_would_not_be_served_now(world: World) -> None:
    alex = world.subject("alex")
    first = serve_on(alex, key="abc")
    set_consent(subject=alex, purpose=Purpose.PERSONALISATION, granted=False)
    second = serve_on(alex, key="abc")
    assert (first.feed_mode, second.feed_mode) == ("personalised", "popular")
    Subject.objects.filter(id=alex.id).update(tier=Tier.CHILD)
    third = serve_on(Subject.objects.get(id=alex.id), key="abc")
    assert set(Item.objects.filter(id__in=ids(third)).values_list("suitable_from", flat=True)) == {"child"}
    assert serve_on(Subject.objects.get(id=alex.id), key="abc").serve_id == third.serve_id
    assert ServeRecord.objects.filter(pseudonym=alex.pseudonym).count() == 3


def test_a_key_never_brings_back_an_item_that_was_withdrawn_or_relabelled(world: World) -> None:
    kim = world.subject("kim")
    first = serve_on(kim, key="abc")
    Item.objects.filter(id=first.items[0].item_id).update(suitable_from="adult")
    second = serve_on(kim, key="abc")
    assert not second.replayed
    assert first.items[0].item_id not in ids(second)


@pytest.mark.django_db(transaction=True)
def test_one_key_sent_many_times_at_once_is_one_record_and_one_slate(world: World) -> None:
    alex = world.subject("alex")
    serve_on(alex)  # loads what it needs
    before = ServeRecord.objects.count()

    def ask(_: int) -> uuid.UUID:
        try:
            return serve_on(alex, key="at-once").serve_id
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        served = list(threads.map(ask, range(6)))
    assert len(set(served)) == 1
    assert ServeRecord.objects.count() == before + 1


@pytest.mark.parametrize(
    "context",
    [
        {"surface": "search"},
        {"surface": ""},
        {"surface": "related"},
        {"surface": "home", "anchor_id": 1},
        {"surface": "home", "slate_size": 0},
        {"surface": "home", "slate_size": -1},
    ],
)
def test_a_request_that_no_surface_can_answer_is_refused(context: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"[Nn]ame|ask for"):
        Context(now=timezone.now(), **context)


def test_a_list_after_a_reaction_is_scored_from_the_new_history(world: World) -> None:
    """The cache of encoded people must never answer with yesterday's person: a replay encodes afresh."""
    alex = world.subject("alex")
    user_states.cache_clear()
    states = []
    for _ in range(3):
        record = ServeRecord.objects.get(id=serve_on(alex).serve_id)
        again = ServeRecord.objects.get(id=serve_on(alex).serve_id)
        states += [document_of(record)["cache_state"], document_of(again)["cache_state"]]
        for one in (record, again):
            assert Replayer().replay(one).identical
        act(alex, document_of(again)["output"]["items"][0]["item_id"], Action.LIKE)
    assert states == ["miss", "hit", "grown", "hit", "grown", "hit"]


def test_a_model_without_the_weighed_head_is_as_good_as_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalScorer, "heads", property(lambda _: ("share",)))
    assert serve_on(world.subject("alex")).feed_mode == "popular"


def test_a_key_that_answered_another_request_is_refused(world: World) -> None:
    alex, anchor = world.subject("alex"), Item.objects.order_by("id")[10].id
    serve_on(alex, key="abc")
    with pytest.raises(KeyReused, match="new key"):
        serve_on(alex, "related", key="abc", anchor=anchor)
    with pytest.raises(KeyReused):
        serve(subject=alex, context=Context(surface="home", now=timezone.now(), slate_size=5), idempotency_key="abc")


def test_another_subjects_key_is_another_key(world: World) -> None:
    one, other = serve_on(world.subject("alex"), key="abc"), serve_on(world.subject("sam"), key="abc")
    assert one.serve_id != other.serve_id
    assert ServeKey.objects.filter(key="abc").count() == 2


@contextmanager
def broken_audit() -> Iterator[None]:
    """Take the audit table away, as a database that lost it would, and give it back."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_serverecord ADD CONSTRAINT refuse CHECK (false) NOT VALID")
        yield
        cursor.execute("ALTER TABLE audit_serverecord DROP CONSTRAINT refuse")


@pytest.mark.django_db(transaction=True)
def test_no_record_no_slate(world: World) -> None:
    alex = world.subject("alex")
    serve_on(alex)  # loads what it needs
    before = ServeRecord.objects.count()
    with broken_audit(), pytest.raises(NotServed, match="on record first"):
        serve_on(alex, key="lost")
    assert ServeRecord.objects.count() == before
    assert not ServeKey.objects.filter(key="lost").exists()
    assert len(serve_on(alex, key="lost").items) == 12


def test_a_database_that_is_gone_is_a_refusal_that_says_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(new: audit_services.NewRecord) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("compliance.serving.door.record", gone)
    with pytest.raises(NotServed, match="not served") as refusal:
        serve_on(world.subject("alex"))
    assert refusal.value.retry_after > 0


@pytest.mark.parametrize("name", ["sam", "kim"])
@pytest.mark.parametrize("surface", ["home", "related"])
def test_minors_see_only_items_labelled_suitable_and_their_feed_is_not_empty(
    world: World, name: str, surface: str
) -> None:
    subject = world.subject(name)
    allowed = {"sam": {"child", "young_teen", "teen"}, "kim": {"child"}}[name]
    anchor = None
    if surface == "related":
        anchor = Item.objects.filter(suitable_from="child").order_by("id")[0].id
    slate = serve_on(subject, surface, anchor=anchor)
    assert len(slate.items) >= 10
    assert set(Item.objects.filter(id__in=ids(slate)).values_list("suitable_from", flat=True)) <= allowed
    assert slate.feed_mode == "popular"


def test_a_child_cannot_open_a_list_about_an_item_that_is_not_for_children(world: World) -> None:
    adult_item = Item.objects.filter(suitable_from="adult").order_by("id")[0]
    with pytest.raises(UnknownItem):
        serve_on(world.subject("kim"), "related", anchor=adult_item.id)
    assert serve_on(world.subject("alex"), "related", anchor=adult_item.id).items


def test_unknown_age_gets_a_non_profiled_list(world: World) -> None:
    someone = newcomer(world, tier=Tier.UNKNOWN)
    set_consent(subject=someone, purpose=Purpose.PERSONALISATION, granted=True)
    slate = serve_on(someone)
    assert slate.feed_mode == "popular"
    assert "personalised" not in slate.offered_modes


def test_withdrawing_consent_ends_profiling_with_the_next_slate(world: World) -> None:
    alex = world.subject("alex")
    assert serve_on(alex).feed_mode == "personalised"
    set_consent(subject=alex, purpose=Purpose.PERSONALISATION, granted=False)
    after = serve_on(alex)
    assert after.feed_mode == "popular"
    assert "personalised" not in after.offered_modes


@pytest.mark.parametrize("mode", ["newest", "popular"])
@pytest.mark.parametrize("surface", ["home", "related"])
def test_different_histories_and_equal_declared_inputs_give_the_same_slate(
    world: World, mode: str, surface: str
) -> None:
    anchor = Item.objects.order_by("id")[10].id if surface == "related" else None
    alex, other = world.subject("alex"), newcomer(world)
    act(other, Item.objects.order_by("id")[3].id, Action.LIKE)
    for subject in (alex, other):
        choose_feed(subject=subject, surface=surface, feed_mode=mode)
    one, two = serve_on(alex, surface, anchor=anchor), serve_on(other, surface, anchor=anchor)
    assert ids(one) == ids(two)
    assert one.feed_mode == two.feed_mode == mode


@pytest.mark.parametrize("mode", ["newest", "popular"])
def test_a_non_profiled_slate_reads_nothing_observed_or_inferred(world: World, mode: str) -> None:
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode=mode)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        slate = serve_on(alex)
    about_alex = [query["sql"] for query in queries if str(alex.id) in query["sql"] or alex.id.hex in query["sql"]]
    for observed in ("catalogue_event", "catalogue_profilefacts", "catalogue_follow", "catalogue_itemembedding"):
        assert not [sql for sql in about_alex if observed in sql]
    assert not [query["sql"] for query in queries if "catalogue_event" in query["sql"]]
    reads = recorded_reads(slate)
    assert not [read for read in reads if read.startswith(("observed.", "inferred."))]
    assert "catalogue.items" in reads


def test_a_personalised_slate_says_that_it_read_the_history(world: World) -> None:
    assert "observed.opens" in recorded_reads(serve_on(world.subject("alex")))


def recorded_reads(slate: Slate) -> list[str]:
    """The reads in a slate's snapshot."""
    return list(recorded_inputs(slate).reads)


def recorded_inputs(slate: Slate) -> RankInputs:
    """What a slate was computed from, by its record."""
    record = ServeRecord.objects.get(id=slate.serve_id)
    return inputs_of(record, document_of(record), key_of_record(record))


def test_the_very_next_slate_sees_what_was_just_done(world: World) -> None:
    alex = world.subject("alex")
    first = serve_on(alex)
    liked = first.items[0].item_id
    act(alex, liked, Action.LIKE)
    second = serve_on(alex)
    assert liked not in ids(second)
    assert recorded_event_count(second) == recorded_event_count(first) + 1


def recorded_event_count(slate: Slate) -> int:
    """How many events the model read for a slate."""
    tokens = recorded_inputs(slate).tokens
    assert tokens is not None
    return int(tokens.event_mask_BS.sum())


def test_a_hidden_item_leaves_every_order(world: World) -> None:
    alex = world.subject("alex")
    for mode in ("personalised", "newest", "popular"):
        choose_feed(subject=alex, surface="home", feed_mode=mode)
        hidden = serve_on(alex).items[0].item_id
        hide_item(subject=alex, item_id=hidden)
        assert hidden not in ids(serve_on(alex))


def test_a_choice_on_one_surface_holds_on_the_other_until_that_has_its_own(world: World) -> None:
    alex, anchor = world.subject("alex"), Item.objects.order_by("id")[10].id
    choose_feed(subject=alex, surface="home", feed_mode="newest")
    assert serve_on(alex, "related", anchor=anchor).feed_mode == "newest"
    choose_feed(subject=alex, surface="related", feed_mode="popular")
    assert serve_on(alex, "related", anchor=anchor).feed_mode == "popular"
    assert serve_on(alex).feed_mode == "newest"


def test_a_newcomer_without_history_still_gets_a_personalised_list(world: World) -> None:
    someone = newcomer(world)
    set_consent(subject=someone, purpose=Purpose.PERSONALISATION, granted=True)
    slate = serve_on(someone)
    assert slate.feed_mode == "personalised"
    assert len(slate.items) == 12


def test_without_a_live_ranker_the_list_is_not_personalised_and_says_why(world: World) -> None:
    pointer = registry().root / "live"
    address = pointer.read_text()
    pointer.unlink()
    try:
        slate = serve_on(world.subject("alex"))
    finally:
        pointer.write_text(address)
    assert slate.feed_mode == "popular"
    assert "baseline.no-ranker" in {reason.rule for reason in slate.reasons}


def test_a_live_model_that_cannot_be_loaded_is_as_good_as_none(world: World) -> None:
    from ranking.serving import local, scorer

    weights = registry().root / world.model_sha256 / "model.safetensors"
    kept = weights.read_bytes()
    local.load.cache_clear()
    try:
        weights.write_bytes(kept[:-1])
        slate = serve_on(world.subject("alex"))
        assert "model.safetensors" in scorer.live_model()[1]
    finally:
        weights.write_bytes(kept)
    assert slate.feed_mode == "popular"
    assert serve_on(world.subject("alex")).feed_mode == "personalised"


def test_a_short_list_says_why(world: World) -> None:
    Item.objects.exclude(id__in=Item.objects.order_by("id").values("id")[:5]).update(is_active=False)
    choose_feed(subject=world.subject("alex"), surface="home", feed_mode="newest")
    slate = serve_on(world.subject("alex"))
    assert len(slate.items) == 5
    assert "Only 5 items" in slate.shortfall


def test_records_name_no_person(world: World) -> None:
    alex = world.subject("alex")
    slate = serve_on(alex)
    record = ServeRecord.objects.get(id=slate.serve_id)
    said = canonical(document_of(record)) + repr(recorded_inputs(slate)).encode()
    for text in (str(alex.id), alex.id.hex, "alex@demo.example"):
        assert text.encode() not in said


def test_events_of_others_do_not_reach_a_slate(world: World) -> None:
    alex = world.subject("alex")
    before = recorded_event_count(serve_on(alex))
    act(newcomer(world), Item.objects.order_by("id")[3].id, Action.LIKE)
    assert recorded_event_count(serve_on(alex)) == before
    assert Event.objects.filter(subject_id=alex.id).count() >= before


def test_a_server_that_does_not_wait_for_its_disk_is_served_from_no_more(world: World) -> None:
    alex = world.subject("alex")
    before = ServeRecord.objects.count(), LogQueue.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    with pytest.raises(NotServed, match="could not be recorded"):
        serve_on(alex)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    assert (ServeRecord.objects.count(), LogQueue.objects.count()) == before
    assert serve_on(alex).items


def test_a_key_whose_record_is_nowhere_is_refused_once_and_for_all(world: World) -> None:
    alex = world.subject("alex")
    ServeKey.objects.create(pseudonym=alex.pseudonym, key="dangling", record_id=uuids.uuid7())
    with pytest.raises(NotServed, match="new key"):
        serve_on(alex, key="dangling")


def test_an_erased_person_reads_nothing_of_before_in_any_form(world: World) -> None:
    alex = world.subject("alex")
    sealed = ServeRecord.objects.get(id=serve_on(alex).serve_id)
    clear = ServeRecord.objects.get(id=serve_on(alex).serve_id)
    ServeRecord.objects.filter(id=clear.id).update(body=canonical(document_of(clear)))  # as release 0.1.0 wrote them
    clear.refresh_from_db()
    assert document_of(clear)["id"] == str(clear.id)
    serve_on(alex, key="my own words")
    erase(pseudonym=alex.pseudonym, by=SUBJECT, why="asked for")
    for record in (sealed, clear):
        with pytest.raises(KeyErased):
            document_of(record)
    assert list(documents_of([sealed, clear])) == []
    assert not ServeKey.objects.filter(pseudonym=alex.pseudonym).exists()


def test_for_minors_the_order_of_all_candidates_is_kept_and_replays(world: World) -> None:
    slates = {name: serve_on(world.subject(name)) for name in ("alex", "kim")}
    documents = {name: document_of(ServeRecord.objects.get(id=slate.serve_id)) for name, slate in slates.items()}
    assert "order" not in documents["alex"]["output"]
    assert len(documents["kim"]["output"]["order"]) >= len(slates["kim"].items)
    assert Replayer().replay(ServeRecord.objects.get(id=slates["kim"].serve_id)).grade is Grade.R2


@pytest.mark.parametrize("device", ["", "phone", "television", "toy", "api"])
def test_every_client_gets_the_same_rules(world: World, device: str) -> None:
    """UK AADC 14: connected devices."""
    context = Context(surface="home", now=timezone.now(), slate_size=10)
    slate = serve(subject=world.subject("kim"), context=replace(context, device=device))
    web = serve(subject=world.subject("kim"), context=context)
    assert [item.item_id for item in slate.items] == [item.item_id for item in web.items]
    assert slate.reasons == web.reasons
