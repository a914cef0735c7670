"""Made items and bounds that break the principles often."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import combinations

from compliance.policy.constitution.bounds import Bounds
from compliance.policy.constitution.verifier import offer_of, violations
from compliance.policy.constitution.worth import worth_of


@dataclass(frozen=True, kw_only=True)
class Made:
    """An item with nothing special."""

    item_id: int
    creator_id: int = 0
    new_creator: bool = False
    topics: tuple[str, ...] = ()
    suitable_from: str = "child"
    label_confidence: str = "high"
    unsafe: tuple[str, ...] = ()
    muted_words: tuple[str, ...] = ()
    promoted: bool = False
    promotion: str = ""
    targeting: tuple[str, ...] = ()
    essential: bool = False


OPEN = Bounds(slate_size=4, audiences=("child", "young_teen", "teen", "adult"), minor=False, max_promoted_share=1.0)
"""Bounds that ask for nothing that an ordinary list lacks."""


def bounds(**changes: object) -> Bounds:
    """`OPEN`, changed."""
    return replace(OPEN, **changes)  # type: ignore[arg-type]


def items(*topics: str) -> list[Made]:
    """One item a topic, ids from 1, each of a creator of its own."""
    return [Made(item_id=place + 1, creator_id=place + 1, topics=(topic,)) for place, topic in enumerate(topics)]


def random_case(seed: int, count: int) -> tuple[Bounds, list[Made], list[float] | None]:
    """Bounds, candidates and scores (with ties; sometimes none) that are often at odds."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    made = [_random_item(dice, place, count) for place in range(count)]
    asked = Bounds(
        slate_size=dice.randint(1, 5),
        audiences=dice.choice([("child", "teen", "adult", ""), ("child", "teen"), ("child",)]),
        minor=dice.random() < 0.4,
        min_label_confidence=dice.choice(["", "low", "high"]),
        hidden_items=frozenset(dice.sample(range(count), dice.choice([0, 0, 1]))),
        muted_topics=frozenset(dice.sample("abcd", dice.choice([0, 0, 1]))),
        muted_creators=frozenset(dice.sample(range(1, 4), dice.choice([0, 0, 1]))),
        max_creator_share=dice.choice([0.25, 0.5, 1.0]),
        max_topic_share=dice.choice([0.25, 0.5, 0.667, 1.0]),
        min_topics=dice.randint(0, 4),
        max_promoted_share=dice.choice([0.0, 0.25, 0.5, 1.0]),
        new_creator_share=dice.choice([0.0, 0.25, 0.5]),
        essential_places=dice.randint(0, 2),
        proxies=frozenset({"language"}),
    )
    scores = None if dice.random() < 0.3 else sorted((dice.randint(-3, 6) / 4 for _ in made), reverse=True)
    if scores is not None and dice.random() < 0.5:
        dice.shuffle(scores)  # as a ranker that also looks at diversity orders them
    return asked, made, scores


def _random_item(dice: random.Random, place: int, count: int) -> Made:
    promoted = dice.random() < 0.3
    return Made(
        item_id=place if dice.random() < 0.9 else dice.randrange(count),
        creator_id=dice.randint(0, 3),
        new_creator=dice.random() < 0.3,
        topics=tuple(dice.sample("abcd", dice.randint(0, 2))),
        suitable_from=dice.choice(["child", "child", "teen", "adult", ""]),
        label_confidence=dice.choice(["high", "high", "low", ""]),
        unsafe=("violence",) if dice.random() < 0.1 else (),
        muted_words=("war",) if dice.random() < 0.05 else (),
        promoted=promoted,
        promotion="Advert" if promoted and dice.random() < 0.8 else "",
        targeting=dice.choice([(), ("region=north",), ("language=de",), ("religion=x",)]) if promoted else (),
        essential=dice.random() < 0.15,
    )


def brute_force(asked: Bounds, made: list[Made], scores: list[float] | None) -> tuple[Made, ...]:
    """The best lawful list, by looking at every one: longest, then most worth, then earliest places."""
    worth, offer = worth_of(len(made), scores), offer_of(asked, made)
    for size in range(min(asked.slate_size, len(made)), 0, -1):
        lawful = [
            places
            for places in combinations(range(len(made)), size)
            if not violations(asked, [made[place] for place in places], offer)
        ]
        if lawful:
            best = min(lawful, key=lambda places: (-sum(worth[place] for place in places), places))
            return tuple(made[place] for place in best)
    return ()
