"""Writes of the serving side: make a registered model live, with its vectors stored and its row mirrored first."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import CharField
from django.db.models.functions import Cast
from django.utils import timezone

from ranking.catalogue.models import Item, ItemEmbedding
from ranking.catalogue.selectors import item_facts
from ranking.retrieval.similar import INDEX_FROM_ITEMS, build_index
from ranking.serving.errors import ScorerUnavailable
from ranking.serving.local import scorer_of
from ranking.serving.models import ModelVersion
from ranking.serving.plug import PlugScorer
from ranking.serving.scorer import Scorer, live_scorer, registry, scoring

CHUNK: Final = 2048

logger = logging.getLogger(__name__)


@transaction.atomic
def mirror(sha256: str) -> ModelVersion:
    """Mirror a registered model into PostgreSQL, with its configuration and metrics."""
    from ranking.training.config import config_to_record

    loaded = scorer_of(sha256).loaded
    manifest = loaded.manifest
    version, _ = ModelVersion.objects.update_or_create(
        sha256=sha256,
        defaults={
            "data_name": manifest["data"]["name"],
            "data_sha256": manifest["data"]["sha256"],
            "seed": manifest["seed"],
            "config": config_to_record(loaded.config),
            "metrics": manifest["metrics"],
        },
    )
    return version


def go_live(*, service: str, sha256: str) -> None:
    """Make a registered model live: vectors of every item first, then the pointer, so that no request meets half.

    Earlier models keep their vectors and files: records need them.
    """
    scorer = scorer_of(sha256)
    mirror(sha256)
    embedded = embed_items(service=service, scorer=scorer)
    if embedded >= INDEX_FROM_ITEMS:
        build_index(model_sha256=sha256)
    _prepare(sha256)
    registry().promote(sha256)
    ModelVersion.objects.filter(sha256=sha256).update(went_live_at=timezone.now())


def _prepare(sha256: str) -> None:
    """Have the scorer's process load a model before requests ask for it. One that is away loads it when it is back."""
    try:
        scoring().prepare(sha256)
    except ScorerUnavailable as error:
        logger.warning(
            "Model %s goes live without a scorer that has loaded it (%s).", sha256[:12], type(error).__name__
        )


def forget_person(*, service: str, pseudonym: UUID) -> int:
    """Forget a person's encoded states wherever lists are scored; return how many there were.

    Call it when what was decided is committed. A scorer that does not answer is logged and changes nothing: what it
    holds is not read again, because the person's epoch or what may be read of them has changed, and goes with the
    process or when its place is needed.
    """
    try:
        return scoring().forget(service=service, pseudonym=pseudonym)
    except ScorerUnavailable as error:
        logger.error("The scorer did not forget a person's encoded states at once (%s).", type(error).__name__)
        return 0


def embed_new_items(*, service: str) -> int:
    """Store vectors of items that came after the live model; return how many. Nothing to do with no live model."""
    scorer = live_scorer()
    if scorer is None or isinstance(scorer, PlugScorer):  # a plugged ranker has no vectors
        return 0
    known = ItemEmbedding.objects.filter(model_sha256=scorer.sha256).values("item_id")
    if not Item.objects.filter(service=service).exclude(id__in=known).exists():
        return 0
    return embed_items(service=service, scorer=scorer)


@transaction.atomic
def embed_items(*, service: str, scorer: Scorer) -> int:
    """Store every item's vector under a model; return how many. Running it again refreshes them."""
    rows = list(
        Item.objects.filter(service=service)
        .order_by("id")
        .annotate(text=Cast("facts", CharField()))
        .values_list("id", "external_id", "text")
    )
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        block = scorer.encoder.items([item_facts(external_id, text) for _, external_id, text in chunk])
        vectors_MD = scorer.vectors(block)
        ItemEmbedding.objects.bulk_create(
            [
                ItemEmbedding(item_id=item_id, model_sha256=scorer.sha256, vector=np.asarray(vector_D))
                for (item_id, _, _), vector_D in zip(chunk, vectors_MD, strict=True)
            ],
            update_conflicts=True,
            unique_fields=["model_sha256", "item"],
            update_fields=["vector"],
        )
    return len(rows)
