"""What a decision must say before any of it is stored (DSA Art. 17(3) (D17)), refused whole with the first fault."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from compliance.statements.errors import DecisionRefused
from compliance.statements.export import schema
from compliance.statements.models import AccountType, ActorKind, Automation, Ground, Kind, Source
from compliance.statements.types import Content, Means, NewDecision, Reasons

EAN: Final = re.compile(r"[0-9]{13}", re.ASCII)
LEAST_FACTS: Final = 20
_WEB: Final = re.compile(r"https?://[^\s/]+\S*", re.ASCII)


def check(new: NewDecision, *, starts_at: datetime) -> None:
    """Refuse a decision whose statement could not say what it must. Raises DecisionRefused."""
    if (new.kind == Kind.DEMOTED) != (new.amount is not None):
        raise DecisionRefused("A demotion, and only a demotion, has an amount: give it in thousandths of the score.")
    if new.amount is not None and not 1 <= new.amount <= 1000:
        raise DecisionRefused(f"A demotion by {new.amount} thousandths is not between 1 and 1000: bound it.")
    _text("rule", new.rule, most=100)
    if new.ends_at is not None and new.ends_at <= starts_at:
        raise DecisionRefused("The decision would end before it starts: give a later end, or none.")
    _dates(starts_at, new.ends_at)
    _facts(new)
    _reasons(new.reasons)
    _means(new.means)
    _content(new.content)


def _dates(starts_at: datetime, ends_at: datetime | None) -> None:
    """A decision whose dates the public database does not take could never be published (DSA Art. 24(5) (D24))."""
    first, last = schema.FIRST_APPLICATION_DATE, schema.LAST_DATE
    for what, moment in (("start", starts_at), ("end", ends_at)):
        if moment is not None and not first <= moment.astimezone(UTC).date() <= last:
            raise DecisionRefused(
                f"The {what} is not between {first} and {last}, so the statement could not be published (DSA Art. "
                f"24(5)): give a date in between{', or no end' if what == 'end' else ''}."
            )


def _facts(new: NewDecision) -> None:
    """Facts are of this item: the clause again is none (DSA Art. 17(3)(b), AC-17)."""
    _text("facts", new.facts, most=schema.MOST_FACTS)
    said = _plain(new.facts)
    if len(said) < LEAST_FACTS:
        raise DecisionRefused(f"The facts have fewer than {LEAST_FACTS} characters: say what was found in this item.")
    if said in (_plain(new.reasons.reference), _plain(new.reasons.explanation), _plain(new.rule)):
        raise DecisionRefused("The facts only repeat the ground: say what was found in this item (DSA Art. 17(3)(b)).")


def _reasons(reasons: Reasons) -> None:
    if reasons.ground not in Ground.values:
        raise DecisionRefused("The decision names no ground: illegal, or incompatible with the terms (DSA Art. 17(3)).")
    _text("ground's reference", reasons.reference, most=schema.MOST_WORDS)
    _text("ground's explanation", reasons.explanation, most=schema.MOST_EXPLANATION)
    _among("category", [reasons.category], schema.CATEGORIES)
    _among("additional category", reasons.more_categories, schema.CATEGORIES)
    _among("keyword", reasons.keywords, schema.KEYWORDS)
    _only_with("other keyword", reasons.keyword_other, "OTHER" in reasons.keywords, needed=False)
    if reasons.url and (len(reasons.url) > schema.MOST_WORDS or not _WEB.fullmatch(reasons.url)):
        raise DecisionRefused("The ground's address is no web address of up to 500 characters: correct it or leave it.")
    if reasons.also_illegal is not None and reasons.ground != Ground.INCOMPATIBLE:
        raise DecisionRefused("Only content that is incompatible can be called illegal besides: leave `also_illegal`.")


def _means(means: Means) -> None:
    if means.automated_decision not in Automation.values or means.source not in Source.values:
        raise DecisionRefused("The decision does not say what led to it, or how far machines took it: name both.")
    if (means.automated_decision == Automation.FULLY) != (means.decided_by.kind == ActorKind.MACHINE):
        raise DecisionRefused(
            f"{means.decided_by} decided, which is not what the flag of automated means says: what a machine decides "
            "is fully automated, what a person decides is not (DSA Art. 17(3)(c))."
        )
    if means.source == Source.OWN_INITIATIVE and (means.source_identity or means.notice_id):
        raise DecisionRefused("What is done on our own initiative has no notice and no notifier: name the real source.")
    if len(means.source_identity) > schema.MOST_WORDS:
        raise DecisionRefused("The notifier's identity is longer than 500 characters: shorten it.")


def _content(content: Content) -> None:
    if not content.types:
        raise DecisionRefused("The decision names no type of content: text, video, image, or another of the list.")
    _among("type of content", content.types, schema.CONTENT_TYPES)
    _only_with("other type of content", content.type_other, "OTHER" in content.types, needed=True)
    if content.language and content.language not in schema.LANGUAGES:
        raise DecisionRefused(f"{content.language[:10]!r} is no language: two letters of ISO 639-1, in capitals.")
    if content.account_type and content.account_type not in AccountType.values:
        raise DecisionRefused(f"{content.account_type[:10]!r} is no type of account: business or private, or none.")
    if content.ean and not EAN.fullmatch(content.ean):
        raise DecisionRefused("The EAN-13 does not have 13 digits: correct it or leave it out.")


def _text(what: str, text: str, *, most: int) -> None:
    if not text.strip():
        raise DecisionRefused(f"The decision has no {what}, which its statement must give (DSA Art. 17(3)): write it.")
    if len(text) > most or "\x00" in text:
        raise DecisionRefused(f"The {what} is longer than {most} characters, or holds NUL: shorten or correct it.")


def _among(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    named = list(given)
    if unknown := [one for one in named if one not in known]:
        raise DecisionRefused(
            f"{unknown[0][:60]!r} is no {what} of the public database (DSA Art. 24(5)): choose from its list."
        )
    if len(set(named)) < len(named):
        raise DecisionRefused(f"A {what} is there twice: name each once.")


def _only_with(what: str, text: str, allowed: bool, *, needed: bool) -> None:
    if text and not allowed:
        raise DecisionRefused(f"The {what} is described, and OTHER is not chosen: choose it, or leave the description.")
    if allowed and needed and not text.strip():
        raise DecisionRefused(f"OTHER is chosen and the {what} is not described: describe it.")
    if len(text) > schema.MOST_WORDS:
        raise DecisionRefused(f"The {what} has more than {schema.MOST_WORDS} characters: shorten it.")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
