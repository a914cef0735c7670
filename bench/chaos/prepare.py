"""Makes a world to break, in a process of its own: tables, a made-up catalogue, signed-in people, a live model.

Run: python -m bench.chaos.prepare HOME PEOPLE scored|unscored
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ranking.data.schema import Dataset


def main(home: Path, people: int, *, scored: bool) -> None:
    """Make the world, and write the people's headers last: they say that all is there."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from bench.http_client import session_headers
    from compliance.audit.ingest import sources
    from compliance.audit.place import signing_key
    from host.demo import world
    from ranking.data import movielens
    from ranking.data.catalogue import read_films, read_people
    from tests import made_world

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    folder = made_world.write(home / "made-world")
    dataset, _ = world.moved_to_now(movielens.load(folder), timezone.now())
    source = world.Source(dataset=dataset, films=tuple(read_films(folder)), people=tuple(read_people(folder)))
    world.load(service=settings.SERVICE, source=source)
    if scored:
        train(dataset)
    signing_key()
    key = sources.add(name="chaos", service=settings.SERVICE, by="bench", why="the chaos bench posts decisions")
    (home / "source.key").write_text(key)
    signed_in = [
        {"subject": subject, "headers": session_headers(email)} for subject, email in make_people(people).items()
    ]
    temporary = home / "people.partial"
    temporary.write_text(json.dumps(signed_in))
    temporary.rename(home / "people.json")
    shutil.rmtree(folder)


def train(dataset: Dataset) -> None:
    """Train a ranker and let it go live. What is served matters here, not how well it is ranked."""
    from django.conf import settings

    from compliance.serving.promotion import promote
    from host.demo.ranker import train_and_register
    from ranking.training import presets

    model = train_and_register(dataset, replace(presets.movielens(), epochs=1), seed=1).sha256
    promote(service=settings.SERVICE, sha256=model, by="bench", why="the chaos bench needs a live model")


def make_people(count: int) -> dict[str, str]:
    """Accounts of adults who agreed to a personalised feed; return their addresses by subject."""
    from django.conf import settings

    from compliance.subjects.models import Purpose, Subject, Tier
    from compliance.subjects.services import set_consent
    from host.accounts.models import User

    emails: dict[str, str] = {}
    for number, subject in enumerate(Subject.objects.filter(service=settings.SERVICE, tier=Tier.ADULT)[:count]):
        set_consent(subject=subject, purpose=Purpose.PERSONALISATION, granted=True)
        emails[str(subject.id)] = email = f"person-{number}@bench.example"
        user = User(email=email, display_name=f"Person {number}", subject=subject)
        user.set_unusable_password()
        user.save()
    return emails


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), scored=sys.argv[3] == "scored")
