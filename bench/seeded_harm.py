"""Do seeded harmful items reach minors? `python bench/seeded_harm.py [--serves 10000] [--data PATH] [--check]`.

Into a made-up catalogue go 200 items that are labelled as harmful or for adults, each in one of four ways, and 200 with
a wrong certificate for children, whose titles are hateful or toxic texts of the test part of the published sets. Minors
of every tier, in four jurisdictions and in every order that is offered to them, are then served through the door. Each
seed has its turn as the newest and most popular of all items, so that only its label stands between it and a slate; a
grown-up's slates show that it would be there. All is done twice: without and with the text classifier.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.scratch import made_world, scratch_database
from bench.timing import table, verdict

if TYPE_CHECKING:
    from compliance.subjects.models import Subject
    from ranking.catalogue.models import Item

DATA: Final = Path(__file__).resolve().parents[1] / "tests" / "data" / "text-safety"
SEEDS: Final = 200
AT_ONCE: Final = 4
"""So many seeds of each kind are on top at a time: they and what else is there fit into one slate."""
JURISDICTIONS: Final = ("EU", "GB", "US-CA", "US-NY")
SOURCES: Final = {"davidson": 80, "surge": 60, "hatecheck": 60}
MOST_TITLE: Final = 300
CREATORS: Final = 8
MADE_CREATOR: Final = "bench-"


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """What was put into the catalogue: item ids, and where each wrong one's title comes from."""

    labelled: tuple[int, ...]
    wrong: dict[int, str]

    def turns(self) -> Iterator[list[int]]:
        """Seeds in the groups that are on top together."""
        wrong = list(self.wrong)
        for start in range(0, max(len(self.labelled), len(wrong)), AT_ONCE):
            yield [*self.labelled[start : start + AT_ONCE], *wrong[start : start + AT_ONCE]]


@dataclass(kw_only=True)
class Outcome:
    """What was served. `reached` holds the seeds that were in a minor's slate, `shown` those in a grown-up's."""

    seeds: Seeds
    slates: Counter[str] = field(default_factory=Counter)  # by tier
    modes: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    leaky: Counter[str] = field(default_factory=Counter)  # slates with a wrongly labelled seed, by tier
    reached: set[int] = field(default_factory=set)
    shown: set[int] = field(default_factory=set)

    @property
    def labelled_reached(self) -> int:
        """How many labelled seeds were in a minor's slate."""
        return len(self.reached & set(self.seeds.labelled))

    def leaked(self, source: str = "") -> tuple[int, int]:
        """How many wrongly labelled seeds (whose title is from `source`) reached a minor, of how many."""
        of = {item for item, origin in self.seeds.wrong.items() if source in ("", origin)}
        return len(of & self.reached), len(of)


def main(arguments: Sequence[str] | None = None) -> int:
    """Seed, serve, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serves", type=int, default=10_000, help="slates of minors in each of the two runs")
    parser.add_argument("--data", type=Path, default=DATA, help="the sets that titles are taken from")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CLERESTORY_HOME"] = str(Path(scratch) / "home")
        with scratch_database("seeded_harm"):
            made_world(Path(scratch))
            found = {name: served(name, options.data, options.serves) for name in ("none", "")}
    rows = [row for name, outcome in found.items() for row in rows_of(name, outcome)]
    table("Seeded harmful items in minors' slates", ["classifier", "what", "share with its 95 % interval"], rows)
    from compliance.labels.classifier.linear import load
    from compliance.labels.classifier.registry import FOLDER

    print("\nUnmeasured, since no set here has them:", *load(FOLDER).card["unmeasured"], sep="\n- ")
    return verdict(missed(found), check=options.check)


def served(classifier: str, data: Path, serves: int, seeds_of_a_kind: int = SEEDS) -> Outcome:
    """Seed the catalogue with `classifier` reading ("" is ours, "none" none), serve, and take the seeds out again."""
    from django.conf import settings
    from django.test import override_settings

    from ranking.catalogue.models import Item

    with override_settings(TEXT_CLASSIFIER=classifier):
        seeds = sow(service=settings.SERVICE, data=data, count=seeds_of_a_kind)
        try:
            return serve_minors(settings.SERVICE, seeds, serves)
        finally:
            Item.objects.filter(id__in=[*seeds.labelled, *seeds.wrong]).update(is_active=False)


def sow(*, service: str, data: Path, count: int = SEEDS) -> Seeds:
    """Put seeds into the catalogue and label them. Raises TextsRefused."""
    from compliance.labels.services import label_by_moderator, label_from_catalogue, read_all
    from compliance.labels.values import Category
    from ranking.catalogue.models import Item

    run = Item.objects.count()
    _creators(service)
    plain = [f"A quiet walk {number}" for number in range(count)]
    labelled = _items(service, f"labelled-{run}", plain)
    texts = titles(data, count)
    wrong = _items(service, f"wrong-{run}", [text for text, _ in texts])
    ways = [labelled[start::4] for start in range(4)]
    why = "seeded by a benchmark"
    label_from_catalogue(  # wrong certificates, and grown-ups' certificates over a genre for children
        service=service,
        certificates={item.pk: ("mpaa", "G") for item in [*wrong, *ways[1], *ways[2]]}
        | {item.pk: ("tv", "TV-MA") for item in ways[0]},
        genres={item.pk: "child" for item in labelled},
        by="bench",
        why=why,
    )
    categories = Category.values
    for place, item in enumerate([*ways[1], *ways[3]]):
        about = categories[place % len(categories)]
        label_by_moderator(service=service, item_id=item.pk, about=about, value="unsafe", by="bench", why=why)
    for item in ways[2]:
        label_by_moderator(service=service, item_id=item.pk, about="audience", value="adult", by="bench", why=why)
    read_all(service=service, budget_s=600)
    return Seeds(
        labelled=tuple(item.pk for item in labelled),
        wrong={item.pk: source for item, (_, source) in zip(wrong, texts, strict=True)},
    )


def titles(data: Path, count: int) -> list[tuple[str, str]]:
    """Hateful and toxic texts that the classifier never learnt from, with the set that each is from."""
    from compliance.labels.classifier.datasets import parts, read_examples, read_hatecheck

    harmful: dict[str, list[str]] = {name: [] for name in SOURCES}
    for example in parts(read_examples(data))["test"]:
        if example.is_.get("hate") or example.is_.get("toxic"):
            harmful[example.source].append(example.text)
    harmful["hatecheck"] = [case.text for case in read_hatecheck(data) if case.hateful]
    chosen = [
        (" ".join(text.replace("\0", "").split())[:MOST_TITLE], source)
        for source, most in SOURCES.items()
        for text in sorted(set(harmful[source]), key=lambda text: sha256(text.encode()).digest())[
            : most * count // SEEDS
        ]
    ]
    return sorted(chosen, key=lambda one: sha256(one[0].encode()).digest())


def _items(service: str, name: str, titled: Sequence[str]) -> list[Item]:
    from django.utils import timezone

    from ranking.catalogue.models import Creator, Item

    topics = sorted({topic for one in Item.objects.exclude(topics=[])[:200] for topic in one.topics})
    creators = list(Creator.objects.filter(service=service, external_id__startswith=MADE_CREATOR).order_by("id"))
    return Item.objects.bulk_create(
        [
            Item(
                service=service,
                external_id=f"{name}-{number}",
                title=title,
                topics=[topics[number % len(topics)]],
                creator=creators[number % len(creators)],
                published_at=timezone.now() - timedelta(days=3000),
            )
            for number, title in enumerate(titled)
        ]
    )


def _creators(service: str) -> None:
    """Give the world's items creators, so that lists of whom one follows hold more than seeds."""
    from ranking.catalogue.models import Creator, Item

    if Creator.objects.filter(service=service, external_id__startswith=MADE_CREATOR).exists():
        return
    made = Creator.objects.bulk_create(
        [Creator(service=service, external_id=f"{MADE_CREATOR}{one}", name=f"Creator {one}") for one in range(CREATORS)]
    )
    for place, creator in enumerate(made):
        own = Item.objects.filter(service=service, creator=None).order_by("id").values_list("id", flat=True)
        Item.objects.filter(id__in=list(own)[:: CREATORS - place]).update(creator=creator)


def serve_minors(service: str, seeds: Seeds, serves: int) -> Outcome:
    """Serve so many slates to minors, each group of seeds on top in turn, and a few to a grown-up each time."""
    from django.utils import timezone

    now = timezone.now().replace(hour=12, minute=0)
    outcome, turns = Outcome(seeds=seeds), list(seeds.turns())
    minors, grown_up = _minors(service), _grown_up(service)
    asked = 0
    for turn, group in enumerate(turns):
        _put_on_top(service, group, now)
        outcome.shown |= _slate(grown_up, now, anchor=None)[0]
        while asked < serves * (turn + 1) // len(turns):
            subject = minors[asked % len(minors)]
            anchor = _anchor(service) if asked // len(minors) % 4 == 3 else None
            ids, mode = _slate(subject, now, anchor=anchor)
            asked += 1
            outcome.slates[subject.tier] += 1
            outcome.modes[mode] += 1
            outcome.empty += not ids
            outcome.leaky[subject.tier] += bool(ids & seeds.wrong.keys())
            outcome.reached |= ids & {*seeds.labelled, *seeds.wrong}
    return outcome


def _slate(subject: Subject, now: datetime, *, anchor: int | None) -> tuple[set[int], str]:
    from compliance.serving.door import serve
    from compliance.serving.types import Context

    context = Context(surface="home" if anchor is None else "related", now=now, anchor_id=anchor)
    slate = serve(subject=subject, context=context)
    return {item.item_id for item in slate.items}, slate.feed_mode


def _put_on_top(service: str, group: Sequence[int], now: datetime) -> None:
    """Make these the newest and most popular items, and nothing of the group before."""
    from django.db.models import Max

    from ranking.catalogue.models import Item, Popularity

    Popularity.objects.filter(item__external_id__regex=r"^(labelled|wrong)-").delete()
    most = Popularity.objects.filter(item__service=service).aggregate(most=Max("score"))["most"] or 0
    Popularity.objects.bulk_create(
        [
            Popularity(item_id=item, region="", score=most + 1 + place, computed_at=now)
            for place, item in enumerate(group)
        ]
    )
    Item.objects.filter(external_id__regex=r"^(labelled|wrong)-").update(published_at=now - timedelta(days=3000))
    Item.objects.filter(id__in=group).update(published_at=now)


def _minors(service: str) -> list[Subject]:
    """People of every minor's tier in every jurisdiction, in every order that they are offered."""
    from compliance.policy.facts import plan_for
    from compliance.subjects.models import Assurance, Purpose, Subject
    from compliance.subjects.services import set_consent
    from compliance.subjects.values import MINORS
    from ranking.catalogue.models import Creator, Follow, Item

    topics = sorted({topic for one in Item.objects.exclude(topics=[])[:200] for topic in one.topics})
    creators = list(Creator.objects.filter(service=service))
    made = []
    for tier in MINORS:
        for jurisdiction in JURISDICTIONS:
            fields = {"tier": tier, "jurisdiction": jurisdiction, "assurance": Assurance.SELF_DECLARED}
            someone = Subject.objects.create(service=service, **fields)
            set_consent(subject=someone, purpose=Purpose.PERSONALISATION, granted=True)
            for mode in plan_for(someone, "home").offered_modes:
                one = Subject.objects.create(service=service, **fields)
                set_consent(subject=one, purpose=Purpose.PERSONALISATION, granted=True)
                Follow.objects.bulk_create([Follow(subject_id=one.id, topic=topic) for topic in topics])
                Follow.objects.bulk_create([Follow(subject_id=one.id, creator=each) for each in creators])
                _choose(one, mode)
                made.append(one)
    return made


def _grown_up(service: str) -> Subject:
    from compliance.subjects.models import Assurance, Subject, Tier

    someone = Subject.objects.create(service=service, tier=Tier.ADULT, assurance=Assurance.VERIFIED)
    _choose(someone, "newest")
    return someone


def _choose(subject: Subject, mode: str) -> None:
    from compliance.subjects.services import choose_feed

    choose_feed(subject=subject, surface="home", feed_mode=mode)


def _anchor(service: str) -> int:
    """An item that every tier may open a list about: one of the world's own."""
    from ranking.catalogue.models import Item

    own = Item.objects.filter(service=service, suitable_from="child", is_active=True)
    return own.exclude(external_id__regex=r"^(labelled|wrong)-").order_by("id").values_list("id", flat=True)[0]


def rows_of(classifier: str, outcome: Outcome) -> list[list[str]]:
    """The table's rows of one run."""
    from compliance.labels.classifier.measure import Share

    name = "none" if classifier == "none" else "ours"
    total = outcome.slates.total()
    rows = [
        [name, "labelled seeds that reached a minor", _words(outcome.labelled_reached, len(outcome.seeds.labelled))],
        [name, "wrongly labelled seeds that reached a minor (the leak rate)", _words(*outcome.leaked())],
    ]
    rows += [[name, f"- with a title from {source}", _words(*outcome.leaked(source))] for source in SOURCES]
    leaky = Share(hits=outcome.leaky.total(), of=total)
    rows.append([name, "slates of minors with a wrongly labelled seed", str(leaky)])
    rows += [
        [name, f"- tier {tier}", _words(outcome.leaky[tier], count)] for tier, count in sorted(outcome.slates.items())
    ]
    seeds = len(outcome.seeds.labelled) + len(outcome.seeds.wrong)
    rows.append(
        [name, "seeds that a grown-up was shown (they were on top)", _words(len(outcome.shown & _all(outcome)), seeds)]
    )
    rows.append([name, "slates of minors that were empty", _words(outcome.empty, total)])
    orders = ", ".join(f"{mode} {count:,}" for mode, count in sorted(outcome.modes.items()))
    return [*rows, [name, "orders of minors' slates", orders]]


def _all(outcome: Outcome) -> set[int]:
    return {*outcome.seeds.labelled, *outcome.seeds.wrong}


def _words(hits: int, of: int) -> str:
    from compliance.labels.classifier.measure import Share

    return f"{hits:,}: {Share(hits=hits, of=of)}"


def missed(found: dict[str, Outcome]) -> list[str]:
    """Which targets were missed: no labelled seed reaches a minor, and the trial could have shown one that does."""
    wrong = []
    for name, outcome in found.items():
        run = "without a classifier" if name == "none" else "with ours"
        if outcome.labelled_reached:
            wrong.append(f"{run}, {outcome.labelled_reached} labelled seeds reached minors, not 0")
        if len(outcome.shown & _all(outcome)) < 0.95 * len(_all(outcome)):
            wrong.append(
                f"{run}, a grown-up saw only {len(outcome.shown & _all(outcome))} seeds: the trial shows nothing"
            )
        if outcome.empty:
            wrong.append(f"{run}, {outcome.empty} slates of minors were empty")
    without, ours = (found[name].leaked() for name in ("none", ""))
    if ours[0] >= without[0]:
        wrong.append(f"the classifier kept nothing from minors: {ours[0]} of {ours[1]} leaked, {without[0]} without it")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
