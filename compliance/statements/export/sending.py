"""Sends what waits, in batches of at most 100, until nothing waits or the database asks for patience (D24).

Everything can happen twice: a row is sent with the bytes that were kept for it, and where the database has the
identifier already, what it holds is compared with them. Who else sends at the same time skips rows that are held.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from compliance.statements.export.client import Answer, Away, Client
from compliance.statements.export.comparing import differing
from compliance.statements.export.preparing import prepare
from compliance.statements.export.schema import MOST_IN_BATCH
from compliance.statements.models import State, Submission

FIRST_WAIT_S: Final = 30
LONGEST_WAIT_S: Final = 3600
MOST_PROBLEM: Final = 1000


@dataclass(kw_only=True)
class Sent:
    """What one pass did. `halted` says in a sentence why it ended early; empty where nothing more was due."""

    created: int = 0
    was_there: int = 0
    refused: int = 0
    different: int = 0
    requests: int = 0
    halted: str = ""


@dataclass(kw_only=True)
class _Halt(Exception):
    """The database cannot take more now; the rows in hand wait."""

    words: str
    retry_after: int = 0


@dataclass(kw_only=True)
class _Pass:
    client: Client
    now: datetime
    sent: Sent = field(default_factory=Sent)

    def batch(self, rows: list[Submission]) -> None:
        """Send rows whole; where the database names some of them, deal with these alone and send the others again."""
        if len(rows) == 1:
            return self.one(rows[0])
        answer = self._asked(lambda: self.client.post_all([bytes(row.body or b"") for row in rows]))
        if answer.status == 201:
            return self._created(rows, answer.document.get("statements"))
        if answer.status != 422:
            raise _unexpected(answer)
        duplicates, wrong = _named(rows, answer.document)
        if not duplicates and not wrong:  # refused, and not said which: each by itself then
            duplicates = rows
        for row, problem in wrong:
            self._refuse(row, problem)
        for row in duplicates:
            self.one(row)
        named = {row.pk for row in duplicates} | {row.pk for row, _ in wrong}
        if left := [row for row in rows if row.pk not in named]:
            self.batch(left)
        return None

    def one(self, row: Submission) -> None:
        """Send one row. A duplicate is a success where the database holds the same body."""
        sent = bytes(row.body or b"")
        answer = self._asked(lambda: self.client.post(sent))
        if answer.status == 201:
            return self._arrived(row, answer.document)
        if answer.status != 422:
            raise _unexpected(answer)
        existing, errors = answer.document.get("existing"), answer.document.get("errors")
        if not isinstance(existing, dict):
            return self._refuse(row, _words(errors))
        fields = differing(json.loads(sent), existing)
        if fields:
            row.state = State.DIFFERENT
            row.problem = f"The database holds another body under this identifier; these differ: {', '.join(fields)}."
            self.sent.different += 1
            return None
        row.was_there = True
        return self._arrived(row, existing)

    def _created(self, rows: list[Submission], statements: Any) -> None:
        by_puid = {one.get("puid"): one for one in statements or [] if isinstance(one, dict)}
        if by_puid.keys() != {str(row.pk) for row in rows}:
            raise _Halt(words="The database took a batch and did not say what it made of it; it will be asked again.")
        for row in rows:
            self._arrived(row, by_puid[str(row.pk)])

    def _arrived(self, row: Submission, receipt: dict[str, Any]) -> None:
        row.state, row.problem, row.sent_at = State.SENT, "", self.now
        row.public_id, row.permalink = str(receipt.get("uuid", ""))[:64], str(receipt.get("permalink", ""))[:500]
        if row.was_there:
            self.sent.was_there += 1
        else:
            self.sent.created += 1

    def _refuse(self, row: Submission, problem: str) -> None:
        row.state, row.problem = State.REFUSED, f"Refused by the database: {problem}"[:MOST_PROBLEM]
        self.sent.refused += 1

    def _asked(self, ask: Any) -> Answer:
        self.sent.requests += 1
        try:
            answer: Answer = ask()
        except Away as error:
            raise _Halt(words=str(error)) from error
        return answer


def send_waiting(client: Client, *, most: int = 10_000) -> Sent:
    """Send what is due, `most` at most. Failures are kept on the rows and tried again later, each time after longer.

    Nothing is raised for what the database answers; `Sent.halted` says why a pass ended early.
    """
    going = _Pass(client=client, now=timezone.now())
    going.sent.refused = prepare(now=going.now, most=most)
    for _ in range(0, most, MOST_IN_BATCH):
        if not _send_batch(going):
            break
    return going.sent


def _send_batch(going: _Pass) -> bool:
    """One batch in one transaction; whether to go on."""
    with transaction.atomic():
        due = Submission.objects.filter(state=State.WAITING, body__isnull=False, due_at__lte=going.now)
        rows = list(due.select_for_update(skip_locked=True).order_by("queued_at")[:MOST_IN_BATCH])
        if not rows:
            return False
        for row in rows:
            row.attempts += 1
        try:
            going.batch(rows)
        except _Halt as halt:
            going.sent.halted = halt.words
            for row in rows:
                if row.state == State.WAITING:
                    row.problem, row.due_at = halt.words, going.now + _wait(row.attempts, halt.retry_after)
        changed = ["state", "attempts", "problem", "due_at", "sent_at", "was_there", "public_id", "permalink"]
        Submission.objects.bulk_update(rows, changed)
    return not going.sent.halted


def _wait(attempts: int, asked_for: int) -> timedelta:
    doubled = FIRST_WAIT_S * 2 ** min(attempts - 1, 10)
    return timedelta(seconds=min(LONGEST_WAIT_S, max(asked_for, doubled)))


def _unexpected(answer: Answer) -> _Halt:
    match answer.status:
        case 401 | 403:
            words = "The database does not take the token: check CLERESTORY_STATEMENTS_TOKEN. Nothing was sent."
        case 429:
            words = "The database asks for patience: too many requests."
        case status:
            words = f"The database answered {status}, which says nothing about the statements."
    return _Halt(words=words, retry_after=answer.retry_after)


def _named(rows: list[Submission], document: dict[str, Any]) -> tuple[list[Submission], list[tuple[Submission, str]]]:
    """Which rows of a refused batch are duplicates, and which are wrong, with what is wrong."""
    errors = document.get("errors")
    if not isinstance(errors, dict):
        return [], []
    there = errors.get("existing_puids")
    there = {str(one) for one in (there.values() if isinstance(there, dict) else there or [])}
    duplicates = [row for row in rows if str(row.pk) in there]
    wrong = []
    for place, row in enumerate(rows):
        if (said := errors.get(f"statement_{place}")) and row not in duplicates:
            if isinstance(said, dict) and set(said) == {"puid"}:
                duplicates.append(row)
            else:
                wrong.append((row, _words(said)))
    return duplicates, wrong


def _words(errors: Any) -> str:
    """The database's own sentences, field by field."""
    if not isinstance(errors, dict):
        return "it did not say why."
    return " ".join(
        f"{field}: {' '.join(map(str, said if isinstance(said, list) else [said]))}" for field, said in errors.items()
    )
