"""Load a data set as a small world: its items as the catalogue, its people as subjects, its ratings as events."""

from __future__ import annotations

import calendar
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from compliance.labels.services import label_from_catalogue, read_all
from compliance.subjects.models import Assurance, Subject, Tier
from host.demo.certificates import certificate
from host.demo.labels import suitability
from ranking.catalogue.clock import from_ms, to_ms
from ranking.catalogue.models import Event, Item, ProfileFacts
from ranking.catalogue.services import refresh_popularity
from ranking.data.catalogue import Film, Person
from ranking.data.facts import item_facts, user_facts
from ranking.data.schema import Dataset

NAMESPACE: Final = uuid.UUID("5d1c9f0e-6c1b-4c64-9c58-3a0d0f1d7c11")
IMPORTED: Final = "import"
"""Surface of events that were loaded, not caused here."""
WEEK: Final = timedelta(weeks=1)
READ_BUDGET_S: Final = 600.0
"""For the text classifier, which needs one second for the titles of this data set; the worker reads what is left."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One data set with the titles and people behind its rows."""

    dataset: Dataset
    films: tuple[Film, ...]
    people: tuple[Person, ...]


def subject_id(service: str, person_id: str) -> uuid.UUID:
    """The subject that a person of the data set becomes; the same one every time."""
    return uuid.uuid5(NAMESPACE, f"{service} {person_id}")


def moved_to_now(dataset: Dataset, now: datetime) -> tuple[Dataset, int]:
    """Move all times forward by whole weeks, so that the last event is less than a week ago.

    Weekdays, hours and gaps stay as they were. Returns the data set and the number of weeks.
    """
    weeks = (now - from_ms(int(dataset.events.time_ms.max()))) // WEEK
    return moved(dataset, weeks), weeks


def moved(dataset: Dataset, weeks: int) -> Dataset:
    """The data set with all times moved forward by whole weeks."""
    shift = weeks * to_ms(from_ms(0) + WEEK)
    return replace(
        dataset,
        events=replace(dataset.events, time_ms=dataset.events.time_ms + shift),
        impressions=replace(dataset.impressions, time_ms=dataset.impressions.time_ms + shift),
    )


def weeks_moved(service: str, dataset: Dataset) -> int | None:
    """By how many weeks the loaded events were moved; None when nothing is loaded."""
    latest = Event.objects.filter(service=service, surface=IMPORTED).order_by("-occurred_at").first()
    if latest is None:
        return None
    return round((latest.occurred_at - from_ms(int(dataset.events.time_ms.max()))) / WEEK)


@transaction.atomic
def load(*, service: str, source: Source) -> None:
    """Load a source whole, or not at all."""
    items = _load_items(service, source)
    label_from_catalogue(
        service=service,
        certificates={items[film.id]: ("mpaa", known) for film in source.films if (known := certificate(film))},
        genres={items[film.id]: label for film in source.films if (label := suitability(film.genres))},
        by="the demo",
        why="what the data set and the demo's table of certificates say",
    )
    read_all(service=service, budget_s=READ_BUDGET_S)
    _load_people(service, source)
    _load_events(service, source.dataset, items)
    refresh_popularity(service=service, now=timezone.now())


def _load_items(service: str, source: Source) -> dict[str, int]:
    table = source.dataset.items
    films = {film.id: film for film in source.films}
    new = []
    for row, external_id in enumerate(table.ids):
        if row == 0:
            continue
        film, facts = films[external_id], item_facts(table, row)
        new.append(
            Item(
                service=service,
                external_id=external_id,
                title=film.title,
                topics=list(film.genres),
                facts={
                    "categorical": dict(facts.categorical),
                    "multi": {name: list(values) for name, values in facts.multi.items()},
                    "dense": dict(facts.dense),
                },
                published_at=_published(film),
            )
        )
    Item.objects.bulk_create(new)
    return {item.external_id: item.pk for item in new}


def _published(film: Film) -> datetime:
    day = film.released or date(film.year or 1900, 1, 1)
    return datetime.combine(day, time(), UTC)


def _load_people(service: str, source: Source) -> None:
    table = source.dataset.users
    rows = {external_id: row for row, external_id in enumerate(table.ids)}
    today = timezone.now().date()
    Subject.objects.bulk_create(
        [
            Subject(
                id=subject_id(service, person.id),
                service=service,
                tier=tier_of(person.age),
                assurance=Assurance.SELF_DECLARED,
                tier_expires_on=_month_end(today) if person.age < 18 else None,
            )
            for person in source.people
        ]
    )
    # Age and gender stay behind: only what the ranker may read and a person declared comes along.
    ProfileFacts.objects.bulk_create(
        [
            ProfileFacts(
                subject_id=subject_id(service, person.id),
                facts={
                    "categorical": {
                        name: value
                        for name, value in user_facts(table, rows[person.id]).categorical.items()
                        if name == "occupation"
                    }
                },
            )
            for person in source.people
        ]
    )


def tier_of(age: int) -> Tier:
    """The age tier; the age itself is not kept."""
    for limit, tier in ((13, Tier.CHILD), (16, Tier.YOUNG_TEEN), (18, Tier.TEEN)):
        if age < limit:
            return tier
    return Tier.ADULT


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _load_events(service: str, dataset: Dataset, items: dict[str, int]) -> None:
    log, now = dataset.events, timezone.now()
    columns = "id, service, subject_id, item_id, action, region, surface, occurred_at, received_at"
    with connection.cursor() as cursor, cursor.copy(f"COPY catalogue_event ({columns}) FROM STDIN") as copy:
        for user, external_id in enumerate(dataset.users.ids):
            subject = subject_id(service, external_id)
            for row in range(int(log.offsets[user]), int(log.offsets[user + 1])):
                copy.write_row(
                    (
                        uuid.UUID(int=(subject.int & ~0xFFFFFFFF) | row),  # keeps the file's order within a second
                        service,
                        subject,
                        items[dataset.items.ids[log.item[row]]],
                        int(log.action[row]),
                        "",
                        IMPORTED,
                        from_ms(int(log.time_ms[row])),
                        now,
                    )
                )
