"""People for tests of statements: a creator, somebody else's creator, two moderators, and a decision about a film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client

from compliance.statements.models import Decision
from compliance.statements.services import decide, link_creator
from host.accounts.models import Role, User
from host.statements.services import actor_of
from ranking.catalogue.models import Creator, Item
from tests.compliance.statements.conftest import new_decision
from tests.conftest import World


@dataclass(frozen=True, kw_only=True)
class People:
    """Alex owns the film that Mona demoted; Sam owns another; Nils moderates too; Rhea has nothing to do with it."""

    item: Item
    decision: Decision
    clients: dict[str, Client]
    users: dict[str, User]

    def statuses(self, method: str, address: str, **more: Any) -> dict[str, int]:
        """What each of them gets from an address."""
        return {name: getattr(client, method)(address, **more).status_code for name, client in self.clients.items()}


def people(world: World) -> People:
    """Make them."""
    films = list(Item.objects.filter(service=world.service).order_by("id")[:2])
    for film, owner in zip(films, ("alex", "sam"), strict=True):
        film.creator = Creator.objects.create(service=world.service, external_id=f"of-{owner}", name=f"{owner} films")
        film.save()
        link_creator(creator=film.creator, subject=world.subject(owner))
    users = {name: world.user(name) for name in ("alex", "sam", "rhea", "ada")}
    for name in ("mona", "nils"):
        users[name] = User.objects.create_user(f"{name}@demo.example", "x-1-y-2-z", role=Role.MODERATOR)
    decision = decide(service=world.service, new=new_decision(films[0].pk, actor_of(users["mona"])))
    clients = {"nobody": Client(), **{name: Client() for name in users}}
    for name, user in users.items():
        clients[name].force_login(user)
    return People(item=films[0], decision=decision, clients=clients, users=users)
