"""`manage.py audit grants`: roles that may do what they need and nothing else."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from compliance.audit.grants import PREFIX, Roles, RoleTooPowerful, apply, statements
from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb


class Grants(Verb):
    """Prints SQL, for an owner to read and run, or runs it."""

    name = "grants"
    help = "print the SQL of the least-privilege roles, or apply it as the tables' owner"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to run it, and what the roles are called."""
        parser.add_argument("--apply", action="store_true", help="run it here, in one transaction")
        parser.add_argument("--prefix", default=PREFIX, help=f"of the roles' names: {PREFIX}_web and so on")

    def run(self, talk: Talk, **options: Any) -> int:
        """Print, and run where that was asked for."""
        roles = Roles(prefix=options["prefix"])
        try:
            said = apply(roles) if options["apply"] else statements(roles)
        except RoleTooPowerful as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        for statement in said:
            talk.say(f"{statement};")
        talk.document({"verb": self.name, "applied": options["apply"], "roles": roles.names, "statements": said})
        return 0
