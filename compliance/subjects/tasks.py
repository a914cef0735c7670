"""Daily work about people: links to children who are adults by now end."""

from __future__ import annotations

from celery import shared_task

from compliance.subjects.guardians import unlink_adults


@shared_task
def end_guardianships() -> int:
    """End every link to somebody who is an adult by now; return how many there were."""
    return unlink_adults()
