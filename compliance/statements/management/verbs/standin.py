"""`manage.py statements standin`: a stand-in for the public database on this machine, to try an export against."""

from __future__ import annotations

import secrets
import threading
from argparse import ArgumentParser
from typing import Any

from compliance.audit.management.verbs.base import Talk, Verb
from compliance.statements.standin.server import standing_in


class StandInVerb(Verb):
    """Runs until it is interrupted; what it holds is gone then."""

    name = "standin"
    help = "run a stand-in for the DSA Transparency Database on this machine, with the same validation"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where."""
        parser.add_argument("--port", type=int, default=8020, help="of the loopback address (8020)")

    def run(self, talk: Talk, **options: Any) -> int:
        """Serve."""
        token = secrets.token_urlsafe(24)
        with standing_in(token=token, port=options["port"]) as standin:
            talk.say(f"CLERESTORY_STATEMENTS_URL={standin.url}\nCLERESTORY_STATEMENTS_TOKEN={token}")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                talk.say(f"{len(standin.store.held):,} statements were held")
        return 0
