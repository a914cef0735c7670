"""Replay: identical bytes, after a newer model too; and every changed byte is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from compliance.audit.canonical import canonical
from compliance.audit.models import Blob, ItemVersion, SealedBlob, ServeRecord
from compliance.audit.selectors import document_of
from compliance.serving.replay import Replayer
from compliance.subjects.services import choose_feed
from ranking.catalogue.models import Item, ItemEmbedding
from ranking.serving.scorer import registry
from ranking.serving.services import embed_new_items, go_live
from tests.compliance.replayed import named, replay, rewritten
from tests.compliance.test_door import serve_on
from tests.conftest import World


@pytest.fixture
def record(world: World) -> ServeRecord:
    """The record of one personalised slate."""
    return ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)


def test_every_mode_surface_and_person_replays_to_the_same_bytes(world: World) -> None:
    anchor = Item.objects.filter(suitable_from="child").order_by("id")[0].id
    for name in ("alex", "sam", "kim"):
        for mode in ("personalised", "newest", "popular"):
            for surface in ("home", "related"):
                choose_feed(subject=world.subject(name), surface=surface, feed_mode=mode)
                serve_on(world.subject(name), surface, anchor=anchor if surface == "related" else None)
    replayer = Replayer()
    records = list(ServeRecord.objects.all())
    assert len(records) == 18
    assert [named(replayer.replay(one)) for one in records] == [""] * 18


def test_going_live_gives_every_item_a_vector_and_new_items_get_theirs_later(world: World) -> None:
    live = ItemEmbedding.objects.filter(model_sha256=world.model_sha256)
    assert live.count() == Item.objects.filter(service=world.service).count()
    Item.objects.create(
        service=world.service, external_id="new", title="New", published_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert embed_new_items(service=world.service) > 0
    assert live.count() == Item.objects.filter(service=world.service).count()
    assert embed_new_items(service=world.service) == 0


def test_a_slate_replays_after_a_newer_model_went_live(world: World, record: ServeRecord) -> None:
    go_live(service=world.service, sha256=world.other_model_sha256)
    newer = ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)
    assert newer.model == world.other_model_sha256 != record.model
    assert replay(record).identical
    assert replay(newer).identical


def test_a_slate_replays_after_the_world_has_moved_on(world: World, record: ServeRecord) -> None:
    Item.objects.update(is_active=False, title="gone", facts={})
    assert replay(record).identical


def test_a_changed_blob_byte_is_named(record: ServeRecord) -> None:
    for blob in SealedBlob.objects.all():
        content = bytearray(blob.content)
        content[len(content) // 2] ^= 1
        SealedBlob.objects.filter(pk=blob.pk).update(content=bytes(content))
        assert "feature snapshot" in named(replay(record))
        assert bytes(blob.address).hex() in named(replay(record))
        SealedBlob.objects.filter(pk=blob.pk).update(content=blob.content)
    assert replay(record).identical


def test_a_missing_blob_is_named(record: ServeRecord) -> None:
    SealedBlob.objects.all().delete()
    assert "feature snapshot" in named(replay(record))
    assert "missing" in named(replay(record))


def test_a_changed_or_missing_version_of_an_item_is_named(record: ServeRecord) -> None:
    version = ItemVersion.objects.order_by("number")[0]
    other = canonical({**json.loads(bytes(version.content)), "topics": ["Other"]})
    ItemVersion.objects.filter(pk=version.pk).update(content=other)
    assert f"Version {version.number} of an item does not hash" in named(replay(record))
    ItemVersion.objects.filter(pk=version.pk).update(content=other, sha256=hashlib.sha256(other).digest())
    assert "not those that were recorded" in named(replay(record))
    ItemVersion.objects.filter(pk=version.pk).delete()
    assert f"Version {version.number} of an item is missing" in named(replay(record))


def test_changed_bytes_do_not_open(record: ServeRecord) -> None:
    body = bytearray(record.body)
    body[len(body) // 2] ^= 1
    ServeRecord.objects.filter(id=record.id).update(body=bytes(body))
    assert "record body" in named(replay(record))


def test_another_persons_bytes_do_not_open(world: World, record: ServeRecord) -> None:
    other = ServeRecord.objects.get(id=serve_on(world.subject("sam")).serve_id)
    ServeRecord.objects.filter(id=record.id).update(body=other.body)
    assert "record body" in named(replay(record))


def test_a_changed_score_is_named_by_its_place(record: ServeRecord) -> None:
    document = document_of(record)
    scored = next(item for item in document["output"]["items"] if not item["explored"])
    scored["blended"] = "0x1.0000000000000p-1"
    rewritten(record, document)
    assert f"output.items[{scored['rank'] - 1}].blended" in named(replay(record))


def test_a_changed_output_hash_is_named(record: ServeRecord) -> None:
    rewritten(record, {**document_of(record), "output_sha256": "0" * 64})
    assert "output hash: recorded 0000" in named(replay(record))


def test_a_changed_policy_pack_is_named(record: ServeRecord) -> None:
    document = document_of(record)
    Blob.objects.filter(sha256=document["policy_sha256"]).update(content=b"pack = 'other'")
    assert "policy pack" in named(replay(record))


BOUND = ("model_sha256", "source")
"""Columns without which the bytes do not open."""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("service", "other"),
        ("served_at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("surface", "related"),
        ("feed_mode", "newest"),
        ("tier", "child"),
        ("jurisdiction", "US"),
        ("source", "other"),
        ("model_sha256", bytes(32)),
        ("model_sha256", None),
    ],
)
def test_every_changed_column_is_named(record: ServeRecord, column: str, value: object) -> None:
    ServeRecord.objects.filter(id=record.id).update(**{column: value})
    assert ("record body" if column in BOUND else f"column {column}") in named(replay(record))


def test_a_record_that_was_given_to_somebody_else_does_not_open(record: ServeRecord) -> None:
    ServeRecord.objects.filter(id=record.id).update(pseudonym=UUID(int=1))
    assert "There is no key for pseudonym" in named(replay(record))


@pytest.mark.parametrize("body", [b"{}", b'{"output":1.5}', b'{"environment":{}}', b"{"])
def test_a_record_of_another_form_is_named_and_stops_nothing(record: ServeRecord, body: bytes) -> None:
    ServeRecord.objects.filter(id=record.id).update(body=body)
    assert "record document" in named(replay(record))


@pytest.fixture
def model_files(record: ServeRecord) -> Iterator[Path]:
    """The files of the record's model, put back as they were."""
    folder = registry().root / record.model
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    yield folder
    for path, content in kept.items():
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "encoder.json", "manifest.json"])
def test_a_changed_model_file_is_named(record: ServeRecord, model_files: Path, name: str) -> None:
    content = bytearray((model_files / name).read_bytes())
    content[-2] ^= 1
    (model_files / name).write_bytes(bytes(content))
    assert "model file" in named(replay(record))
    assert name in named(replay(record))
