"""What personal data looks like in running text, as several countries spell it: a pattern and a judge for each kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Text that looks like a kind of personal data, and a second look at what was found."""

    kind: str
    looks: re.Pattern[str]
    judge: Callable[[str], bool]


def digits_of(text: str) -> str:
    """The digits in a text."""
    return re.sub(r"\D", "", text)


def _is_phone(text: str) -> bool:
    return 7 <= len(digits_of(text)) <= 15


def _is_iban(text: str) -> bool:
    plain = re.sub(r"[ -]", "", text)
    return 15 <= len(plain) <= 34 and len(digits_of(plain)) >= 8


def _is_card(text: str) -> bool:
    """Luhn's sum (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in digits_of(text)]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [2 * digit - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _is_ip(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _always(_: str) -> bool:
    return True


def _pattern(kind: str, looks: str, judge: Callable[[str], bool] = _always) -> Pattern:
    return Pattern(kind=kind, looks=re.compile(looks), judge=judge)


_CAPITALISED: Final = r"[^\W\d_a-z][^\W\d_]*(?:[-'\u2019][^\W\d_]+)*"
_PARTICLE: Final = r"(?:von|van|de|da|del|di|der|den|la|le|bin|ben)"
_NAME: Final = rf"{_CAPITALISED}(?: (?:{_PARTICLE} )*{_CAPITALISED}){{0,3}}"
_FULL_NAME: Final = rf"{_CAPITALISED}(?: (?:{_PARTICLE} )*{_CAPITALISED}){{1,3}}"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|mär|okt|dez)[a-zä]*\.?"
_DATE: Final = (
    r"(?:\d{1,4}[-./ ]\d{1,2}[-./ ]\d{1,4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)? {_MONTH},? \d{{4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
)
_AT: Final = r"(?:[@\uff20]| ?[\[({] ?(?:at|ät|@) ?[\])}] ?| at (?=[\w-]+ (?:dot|punkt) ))"
_DOT: Final = r"(?:\.| ?[\[({] ?(?:dot|punkt|\.) ?[\])}] ?| (?:dot|punkt) )"
_STREET: Final = (
    r"(?i:street|st\b\.?|road|rd\b\.?|avenue|ave\b\.?|lane|drive|square|boulevard|blvd\b\.?|court|terrace)(?!\w)"
)
_STRASSE: Final = (
    r"\b(?:[^\W\d_][\w-]*(?:straße|strasse|str\.|gasse|platz|allee|straat|laan|gatan|vej|weg)"
    r"|(?:[^\W\d_][\w-]*[ -])(?:Straße|Strasse|Str\.|Gasse|Platz|Allee|Weg)) ?\d{1,4} ?[a-z]?\b"
)
_RUE: Final = r"(?i:rue|avenue|boulevard|via|viale|piazza|calle|avenida|rua|ulica|ul\.)"
_CALL: Final = r"(?:tel|phone|mobile|telefon|call|fax|whatsapp|handy)(?: (?:number|no\.?|me|us|on|at|is))*"
_TITLE: Final = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herrn?|Frau|Mme|Mlle|Monsieur|Madame|Señora?|Sig|Signora?)"
_SAID: Final = r"(?:named|called|name is|uploaded by|posted by|account of|owned by|user|creator|uploader)"

PATTERNS: Final = (
    _pattern("e-mail", rf"(?i:[\w.!#$%&'*+/=?^`{{|}}~-]+{_AT}[\w-]+(?:{_DOT}[\w-]+)+)"),
    _pattern(
        "profile",
        r"(?i:(?:https?://|www\.)?[\w.-]+\.[a-z]{2,}/(?:@|u/|user/|users/|profile/|in/|channel/|people/)[\w.%@-]+)",
    ),
    _pattern("handle", r"(?<![\w@./])@\w(?:[\w.-]*\w)?"),
    _pattern("handle", r"(?<![\w/])u/[\w-]{3,}"),
    _pattern("IBAN", r"(?<!\w)[A-Z]{2}\d{2}[ -]?(?:[A-Z0-9]{4}[ -]?){2,7}[A-Z0-9]{0,4}(?!\w)", _is_iban),
    _pattern("card", r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w)", _is_card),
    _pattern("IP", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)", _is_ip),
    _pattern("IP", r"(?i:(?<![\w:])\[?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\]?(?![\w:]))", _is_ip),
    _pattern("identifier", r"(?i:(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-]))"),
    _pattern(
        "birth date",
        r"(?i:\b(?:born|date of birth|d\.?o\.?b\.?|geboren|née?|birthday)(?: (?:on|am|le|is))?[:\s]+(?:the )?"
        rf"{_DATE})",
    ),
    _pattern("phone", r"(?<![\w.])(?:\+|00)[1-9](?:[ ().\-/]{0,2}\d){6,14}(?!\w)", _is_phone),
    _pattern("phone", r"(?<![\w.,])\(?0\d{1,5}\)?(?:[ .\-/]{0,3}\d){6,9}(?!\w)", _is_phone),
    _pattern("phone", r"(?<![\w.,-])\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])", _is_phone),
    _pattern("phone", rf"(?i:\b{_CALL}[.:\s]+\d(?:[ ().\-/]{{0,2}}\d){{5,12}})"),
    _pattern("address", rf"\b\d{{1,5}}[a-z]? (?:{_CAPITALISED} ){{1,3}}{_STREET}"),
    _pattern("address", _STRASSE),
    _pattern(
        "address",
        rf"\b(?:\d{{1,4}},? )?{_RUE} (?:(?:de|du|des|della|la|le|los) )*{_CAPITALISED}(?: {_CAPITALISED})*"
        r"(?:,? \d{1,4})?",
    ),
    _pattern("name", rf"\b{_TITLE}\.? {_NAME}"),
    _pattern("name", rf"\b{_SAID} (?={_FULL_NAME}){_NAME}"),
)
