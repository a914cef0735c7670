"""The demo's accounts: seven people, each for one way of using the product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from compliance.subjects.models import Assurance, Guardianship, Purpose, Subject, Tier
from compliance.subjects.services import set_consent
from host.accounts.models import Role, User
from host.demo.world import Source, subject_id

PASSWORD: Final = "demo-password"  # noqa: S105 - printed on purpose, for accounts that exist in the demo only


@dataclass(frozen=True, kw_only=True)
class Persona:
    """One account of the demo."""

    name: str
    what: str
    role: Role = Role.PERSON
    staff: bool = False

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.name.lower()}@demo.example"


PERSONAS: Final = (
    Persona(name="Alex", what="adult, agreed to a personalised feed"),
    Persona(name="Sam", what="16 years old"),
    Persona(name="Kim", what="10 years old, Gale's child"),
    Persona(name="Gale", what="adult, Kim's guardian"),
    Persona(name="Rhea", what="researcher", role=Role.RESEARCHER),
    Persona(name="Greg", what="regulator: reads the audit API, each view on record", role=Role.REGULATOR),
    Persona(name="Ada", what="operator: /admin/", role=Role.OPERATOR, staff=True),
)


@transaction.atomic
def make_accounts(*, service: str, source: Source) -> None:
    """Make the accounts that are missing. Alex, Sam and Kim take over people of the data set who fit."""
    subjects = {
        "Alex": _fitting(service, source, low=18, high=120, most_events=200),
        "Sam": _fitting(service, source, low=16, high=17),
        "Kim": _fitting(service, source, low=0, high=12),
    }
    users = {persona.name: _account(persona, subjects.get(persona.name), service) for persona in PERSONAS}
    alex, gale, kim = (users[name].subject for name in ("Alex", "Gale", "Kim"))
    if alex is not None and not alex.consents.exists():
        set_consent(subject=alex, purpose=Purpose.PERSONALISATION, granted=True)
    if gale is not None and kim is not None:
        Guardianship.objects.get_or_create(guardian=gale, child=kim)


def _account(persona: Persona, subject: Subject | None, service: str) -> User:
    user = User.objects.filter(email=persona.email).select_related("subject").first()
    if user is not None:
        return user
    if subject is None:
        subject = Subject.objects.create(service=service, tier=Tier.ADULT, assurance=Assurance.SELF_DECLARED)
    fields = {"display_name": persona.name, "role": persona.role, "subject": subject, "is_staff": persona.staff}
    return User.objects.create_user(persona.email, PASSWORD, is_superuser=persona.staff, **fields)


def _fitting(service: str, source: Source, *, low: int, high: int, most_events: int = 10**9) -> Subject | None:
    """The person of that age with the most events, but no more than `most_events`."""
    log = source.dataset.events
    counts = {
        external_id: int(log.offsets[row + 1] - log.offsets[row])
        for row, external_id in enumerate(source.dataset.users.ids)
    }
    fitting = [person for person in source.people if low <= person.age <= high and counts[person.id] <= most_events]
    if not fitting:
        return None
    best = max(fitting, key=lambda person: (counts[person.id], person.id))
    return Subject.objects.get(id=subject_id(service, best.id))
