"""Under which lists a question is asked, and which: drawn from the list's number, so that the record repeats it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from compliance.surveys.models import Question


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One question, and what it is about."""

    question: Question
    topic: str = ""
    item_id: int | None = None


def is_drawn(serve_id: UUID, share: float) -> bool:
    """Whether something is asked under a list. Its number is a random one, and on record."""
    return _lot("survey", serve_id) < share


def question_of(document: dict[str, Any], share: float) -> Drawn | None:
    """What is asked under a recorded list; None for nothing. The plan must say so: minors are asked by no pack."""
    serve_id, places = UUID(document["id"]), document["output"]["items"]
    if document["plan"].get("survey") != "asked" or not places or not is_drawn(serve_id, share):
        return None
    question = list(Question)[int(_lot("survey question", serve_id) * len(Question))]
    if question is Question.ITEM:
        return Drawn(question=question, item_id=places[int(_lot("survey item", serve_id) * len(places))]["item_id"])
    return Drawn(question=question)


def commonest(topics: list[list[str]]) -> str:
    """The topic that most items of a list have; of equally common ones the first by name; empty without any."""
    counted = Counter(topic for one in topics for topic in one)
    return min(counted, key=lambda topic: (-counted[topic], topic), default="")


def _lot(purpose: str, serve_id: UUID) -> float:
    """A number in [0, 1) that depends on the list and the purpose only."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {serve_id}".encode()).digest()[:6]) / 2**48
