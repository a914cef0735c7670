"""An operator's own ranker serves through the door, is named by the record, and is run again by a replay."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from compliance.audit.heads import LogPlace
from compliance.audit.log.note import SigningKey
from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of
from compliance.audit.sequencer import assign, publish
from compliance.audit.verification import verify
from compliance.serving.door import NotServed
from compliance.serving.replay import Replayer
from compliance.serving.replay.grades import Grade
from ranking.serving import plug
from ranking.serving.plug import PlugRefused
from ranking.serving.scorer import live_model, registry
from ranking.serving.services import embed_new_items
from tests.compliance import plugged_ranker
from tests.compliance.test_door import serve_on
from tests.conftest import World

KEY = SigningKey(name="log.example/plugged", private=Ed25519PrivateKey.generate())
RANKER = "tests.compliance.plugged_ranker.ItemBias"


@pytest.fixture
def folder(world: World, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The plugged ranker's files, with the ranker plugged in."""
    shutil.copy(registry().root / world.model_sha256 / "encoder.json", tmp_path)
    torch.save(torch.linspace(-1, 1, 10_000), tmp_path / "weights.pt")
    monkeypatch.setenv("PLUGGED_RANKER", str(tmp_path))
    settings.RANKER = RANKER
    plug._loaded.cache_clear()
    yield tmp_path
    plug._loaded.cache_clear()


@pytest.fixture
def record(world: World, folder: Path) -> ServeRecord:
    """The record of a slate that the plugged ranker scored."""
    return ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)


def test_the_door_serves_through_it_and_the_record_names_it(record: ServeRecord, world: World) -> None:
    expected = plug.load(RANKER)
    assert record.model == expected.sha256 != world.model_sha256
    document = document_of(record)
    assert document["output"]["heads"] == ["like"]
    scored = [item["scores"]["like"] for item in document["output"]["items"] if item["scores"]]
    assert scored == sorted(scored, key=float.fromhex, reverse=True)
    assert len(scored) > 5


def test_what_it_is_made_of_is_kept_and_verified(
    record: ServeRecord, folder: Path, tmp_path: Path, settings: Any
) -> None:
    place = LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())
    assign()
    publish(place, KEY)
    settings.RANKER = ""
    (folder / "weights.pt").unlink()  # the operator cleans up
    assert list(verify(place, now=timezone.now())) == []
    kept = registry().root / "plugged" / record.model
    assert {file.name for file in kept.iterdir()} == {
        "plugged_ranker.py",
        "weights.pt",
        "encoder.json",
        "manifest.json",
    }
    whole = (kept / "weights.pt").read_bytes()
    (kept / "weights.pt").write_bytes(whole[:-1])
    assert any("weights.pt of its model was changed" in fault for fault in verify(place, now=timezone.now()))
    shutil.rmtree(kept)
    assert any("cannot be read" in fault for fault in verify(place, now=timezone.now()))


def test_what_cannot_be_kept_does_not_serve(folder: Path, tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").touch()
    settings.MODEL_REGISTRY = tmp_path / "file"
    with pytest.raises(PlugRefused, match="cannot be copied"):
        plug.plugged()


def test_a_replay_runs_it_again_to_the_same_bits(record: ServeRecord) -> None:
    found = Replayer().replay(record)
    assert (found.grade, found.differences) == (Grade.R2, ())


@pytest.mark.parametrize("changed", ["weights.pt", "encoder.json"])
def test_with_another_file_it_is_another_ranker_and_the_replay_says_so(
    record: ServeRecord, folder: Path, changed: str
) -> None:
    content = (folder / changed).read_bytes()
    if changed == "weights.pt":
        torch.save(torch.linspace(-1, 2, 10_000), folder / changed)
    else:
        (folder / changed).write_bytes(content + b" ")
    found = Replayer().replay(record)
    assert found.grade == Grade.NONE
    assert found.differences[0].what == "model file"
    assert record.model in found.differences[0].recorded
    (folder / changed).write_bytes(content)
    assert Replayer().replay(record).grade == Grade.R2


def test_without_it_the_replay_says_that_it_is_not_here(record: ServeRecord, settings: Any) -> None:
    settings.RANKER = ""
    found = Replayer().replay(record)
    assert found.grade == Grade.NONE
    assert found.differences[0].what == "model file"


def test_a_slate_of_before_replays_beside_it(world: World, folder: Path, settings: Any) -> None:
    settings.RANKER = ""
    before = ServeRecord.objects.get(id=serve_on(world.subject("alex")).serve_id)
    settings.RANKER = RANKER
    assert before.model == world.model_sha256
    assert Replayer().replay(before).grade == Grade.R2


def test_what_gives_no_probabilities_serves_nobody(world: World, folder: Path, settings: Any) -> None:
    settings.RANKER = f"{plugged_ranker.__name__}.OutOfBounds"
    with pytest.raises(NotServed):
        serve_on(world.subject("alex"))
    assert not ServeRecord.objects.exists()


@pytest.mark.parametrize("name", ["nowhere.Ranker", "tests.compliance.plugged_ranker.Nothing", "builtins.int"])
def test_what_cannot_be_loaded_is_named_and_withdraws_the_personalised_order(
    world: World, folder: Path, settings: Any, name: str
) -> None:
    settings.RANKER = name
    scorer, problem = live_model()
    assert scorer is None
    assert name in problem
    assert serve_on(world.subject("alex")).feed_mode != "personalised"


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "weights.pt").unlink()
    with pytest.raises(PlugRefused, match=r"weights\.pt"):
        plug.load(RANKER)


def test_no_vectors_are_stored_for_it(world: World, folder: Path) -> None:
    assert embed_new_items(service=world.service) == 0
