"""Train the next dictionary that records are packed with: `CLERESTORY_HOME=… python bench/dictionary.py`.

It learns from slates of a made-up world only. A dictionary is kept for ever and in the clear, so that one trained on
people's records would keep pieces of them beyond their erasure. Give it an empty home of its own.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE = 32 * 1024


def main() -> int:
    """Load the world, serve, train, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slates", type=int, default=1500)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings.demo")
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    import django

    django.setup()
    import zstandard

    from compliance.audit.storage import packing

    learned: list[bytes] = []
    pack = packing.pack

    def listen(content: bytes, *, dictionary: int) -> bytes:
        learned.append(content)
        return pack(content, dictionary=dictionary)

    from compliance.audit.storage import sealing

    setattr(sealing, "pack", listen)  # noqa: B010 - all that is sealed passes here
    load()
    learned.clear()
    serve(arguments.slates)
    half = len(learned) // 2
    random.Random(1).shuffle(learned)  # noqa: S311 - not a secret
    trained = zstandard.train_dictionary(SIZE, list(learned[:half])).as_bytes()
    number = packing.newest_dictionary() + 1
    path = packing.DICTIONARIES / f"{number}.zdict"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(trained)
    packing._numbers.cache_clear()
    before, after = (sum(len(pack(one, dictionary=which)) for one in learned[half:]) for which in (0, number))
    print(f"{path.name}: {len(trained)} bytes from {half} documents; others pack to {after / before:.2f} of their size")
    return 0


def load() -> None:
    """A made-up world with one trained model, in an empty database."""
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from host.demo import world
    from host.demo.ranker import train_and_register
    from ranking.data import movielens
    from ranking.data.catalogue import read_films, read_people
    from ranking.serving.services import go_live
    from ranking.training import presets
    from tests import made_world

    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = made_world.write(Path(scratch))
        dataset, _ = world.moved_to_now(movielens.load(folder), timezone.now())
        source = world.Source(dataset=dataset, films=tuple(read_films(folder)), people=tuple(read_people(folder)))
        world.load(service=settings.SERVICE, source=source)
        model = train_and_register(dataset, replace(presets.movielens(), epochs=1), seed=1).sha256
        go_live(service=settings.SERVICE, sha256=model)


def serve(slates: int) -> None:
    """Slates of all people, orders, surfaces and lengths, with consents and controls between."""
    from django.utils import timezone

    from compliance.serving import door
    from compliance.serving.types import Context
    from compliance.subjects.models import Purpose, Subject
    from compliance.subjects.services import choose_feed, set_consent
    from ranking.catalogue.models import Item

    people = list(Subject.objects.order_by("id"))
    anchor = Item.objects.filter(suitable_from="child").order_by("id")[0].id
    for number, person in enumerate(people):
        if number % 8:
            set_consent(subject=person, purpose=Purpose.PERSONALISATION, granted=number % 8 > 1)
    modes = ("personalised", "personalised", "personalised", "newest", "popular", "topics", "explore")
    zones, devices = ("UTC", "Europe/Berlin", "America/New_York"), ("web", "api", "phone")
    draw = random.Random(1)  # noqa: S311 - not a secret
    for number, person in enumerate(itertools.islice(itertools.cycle(people), slates)):
        surface = draw.choice(("home", "home", "related"))
        if number > slates // 2:  # until then nobody has chosen
            choose_feed(subject=person, surface=surface, feed_mode=draw.choice(modes))
        door.serve(
            subject=person,
            context=Context(
                surface=surface,
                now=timezone.now(),
                anchor_id=anchor if surface == "related" else None,
                slate_size=draw.choice((10, 10, 12, 20)),
                timezone=draw.choice(zones),
                device=draw.choice(devices),
            ),
        )


if __name__ == "__main__":
    sys.exit(main())
