"""The clause that a restriction by label rests on, in the public database's words (DSA Art. 17(3)(e), 24(5))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from compliance.labels.restricting import Rule
from compliance.labels.values import Category
from compliance.statements.models import Ground
from compliance.statements.types import Reasons

MINORS: Final = "AGE_SPECIFIC_RESTRICTIONS_MINORS"
_CLAUSES: Final = {
    Rule.UNSAFE: (
        "Terms, protection of minors: content that is not safe for them",
        "What is found to hold content of these kinds is shown to adults only (DSA Art. 28(1)).",
    ),
    Rule.HELD: (
        "Terms, protection of minors: content that a person has yet to look at",
        "What automated means suspect or cannot read is not shown to minors until a person has looked at it (DSA Art. "
        "28(1)).",
    ),
    Rule.AUDIENCE: (
        "Terms, protection of minors: the audience that an item suits",
        "An item is shown to those for whom a person who looked at it found it suitable (DSA Art. 28(1)).",
    ),
}
_WORDS: Final = {
    Category.SEXUAL: ("", "ADULT_SEXUAL_MATERIAL"),
    Category.SELF_HARM: ("SELF_HARM", "SUICIDE"),
    Category.EATING_DISORDER: ("SELF_HARM", "CONTENT_PROMOTING_EATING_DISORDERS"),
    Category.HATE: ("ILLEGAL_OR_HARMFUL_SPEECH", "HATE_SPEECH"),
    Category.OFFENSIVE: ("ILLEGAL_OR_HARMFUL_SPEECH", ""),
    Category.TOXIC: ("ILLEGAL_OR_HARMFUL_SPEECH", ""),
    Category.BULLYING: ("CYBER_VIOLENCE", "CYBER_BULLYING_INTIMIDATION"),
    Category.VIOLENCE: ("VIOLENCE", ""),
    Category.DANGEROUS: ("", "UNSAFE_CHALLENGES"),
    Category.SUBSTANCES: ("", ""),
}
"""What the database's lists have for each of our categories, besides the protection of minors."""


def grounds_of(rule: Rule, about: Iterable[str]) -> Reasons:
    """The clause with its category and keywords. What is only suspected is published as no kind of content."""
    reference, explanation = _CLAUSES[rule]
    named = [_WORDS[Category(one)] for one in dict.fromkeys(about)] if rule == Rule.UNSAFE else []
    return Reasons(
        ground=Ground.INCOMPATIBLE,
        reference=reference,
        explanation=explanation,
        category="PROTECTION_OF_MINORS",
        more_categories=tuple(dict.fromkeys(category for category, _ in named if category)),
        keywords=(MINORS, *dict.fromkeys(keyword for _, keyword in named if keyword)),
        also_illegal=False,
    )
