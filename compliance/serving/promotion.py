"""Which model decides is an act of somebody's, for a reason: on record before it takes effect, and when it has."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from compliance.audit.events import note
from ranking.serving.local import scorer_of
from ranking.serving.scorer import registry
from ranking.serving.services import go_live

MOST_WORDS: Final = 500


def promote(*, service: str, sha256: str, by: str, why: str) -> None:
    """Put a registered model before people. Raises ValueError without a name and a reason, ModelNotFoundError."""
    if not by.strip() or not 0 < len(why.strip()) <= MOST_WORDS:
        raise ValueError(f"A model goes live by somebody's name and for a reason of 1 to {MOST_WORDS} characters.")
    scorer_of(sha256)  # whole and loadable, or nothing is recorded
    what = {"service": service, "model_sha256": sha256, "before_sha256": registry().live() or "", "by": by, "why": why}
    note(kind="promotion_ordered", happened_at=timezone.now(), what=what)
    go_live(service=service, sha256=sha256)
    note(kind="promotion", happened_at=timezone.now(), what=what)
