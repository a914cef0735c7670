"""What a label of ours takes from minors has its statement of reasons; what a publisher says has none (DSA Art. 17)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.utils import timezone

from compliance.labels import stating
from compliance.labels.effective import Word
from compliance.labels.models import Label
from compliance.labels.restricting import Rule, restrictions
from compliance.labels.services import (
    label_by_moderator,
    label_from_catalogue,
    lift,
    moderate,
    read_all,
    rewrite_effective,
)
from compliance.statements.errors import DecisionRefused
from compliance.statements.export.body import body_of
from compliance.statements.export.rules import faults
from compliance.statements.models import (
    ActorKind,
    Decision,
    Delivery,
    Reversal,
    ServedPenalty,
    Standing,
    Statement,
    Submission,
)
from compliance.statements.selectors import penalties, restricted_items
from compliance.statements.services import actor, link_creator, reverse
from compliance.subjects.models import Subject
from ranking.catalogue.models import Creator, Item
from ranking.catalogue.selectors import eligible_items
from tests.compliance.test_door import ids, serve_on
from tests.conftest import World

pytestmark = pytest.mark.django_db
HOUSE = "stated.example"
MINORS = ["child", "young_teen", "teen", "unknown"]
HATEFUL, FOREIGN = "fuck off you stupid retarded faggot bitch", "Прогулка в парке"
_number = itertools.count(1)


def item(title: str, certificate: str = "G", **fields: Any) -> Item:
    """A new item with a certificate that nobody has read."""
    made = Item.objects.create(
        service=HOUSE, external_id=f"i{next(_number)}", title=title, published_at=timezone.now(), **fields
    )
    if certificate:
        given = {made.pk: ("mpaa", certificate)}
        label_from_catalogue(service=HOUSE, certificates=given, genres={}, by="import", why="a test")
    return made


def read() -> int:
    return read_all(service=HOUSE, budget_s=60)


def retitle(one: Item, title: str) -> None:
    Item.objects.filter(pk=one.pk).update(title=title)
    read()


def said(one: Item, about: str, value: str) -> int:
    why = "Minute 3 shows what it is"
    return label_by_moderator(service=HOUSE, item_id=one.pk, about=about, value=value, by="account 7", why=why)


def held(one: Item) -> list[tuple[str, list[str]]]:
    """The rules and tiers under which an item is held now."""
    found = Decision.objects.filter(item=one, reversal=None).order_by("rule")
    assert {decision.pk for decision in found} == set(
        Standing.objects.filter(item=one).values_list("decision_id", flat=True)
    )
    return [(decision.rule, decision.tiers) for decision in found]


def audience(one: Item) -> str:
    return Item.objects.get(pk=one.pk).suitable_from


def test_a_finding_is_a_decision_with_its_statement_delivery_and_submission() -> None:
    creator = Creator.objects.create(service=HOUSE, external_id="c", name="A creator")
    owner = Subject.objects.create(service=HOUSE)
    link_creator(creator=creator, subject=owner)
    one = item(HATEFUL, creator=creator)
    assert held(one) == []
    read()
    assert held(one) == [("terms.unsafe-for-minors", MINORS)]
    decision = Decision.objects.get(item=one)
    label = Label.objects.get(item=one, about="offensive")
    assert (decision.kind, decision.decided_by.kind, decision.source) == ("age_restricted", "machine", "own_initiative")
    assert (decision.automated_detection, decision.automated_decision) == (True, "fully")
    assert decision.decided_by.name == "clerestory-text"
    for words in ("found hate or offensive language", label.text_sha256, f"offensive {label.score} of 1000"):
        assert words in decision.facts
    assert (decision.category, decision.more_categories[0]) == ("PROTECTION_OF_MINORS", "ILLEGAL_OR_HARMFUL_SPEECH")
    assert Delivery.objects.filter(statement_id=decision.pk, subject=owner).exists()
    assert Submission.objects.filter(decision=decision, state="waiting").exists()
    assert "people under 13, 13 to 15, 16 or 17, unknown" in Statement.objects.get(pk=decision.pk).text
    body = body_of(decision, names=())
    assert faults(body) == {}
    assert label.text_sha256 in body["decision_facts"]


def test_a_text_that_cannot_be_read_is_held_and_its_statement_accuses_nobody() -> None:
    one = item(FOREIGN)
    read()
    assert held(one) == [("terms.not-read-yet", MINORS)]
    decision = Decision.objects.get(item=one)
    assert "cannot tell" in decision.facts
    assert (decision.more_categories, decision.keywords) == ([], ["AGE_SPECIFIC_RESTRICTIONS_MINORS"])


def test_reading_labelling_and_computing_again_adds_nothing() -> None:
    for title in (HATEFUL, FOREIGN):
        item(title)
    read()
    before = Decision.objects.count(), Statement.objects.count(), Reversal.objects.count()
    assert before[0] == 2
    assert read() == 0
    assert rewrite_effective(service=HOUSE) == 0
    for one in Item.objects.filter(service=HOUSE):
        label_from_catalogue(
            service=HOUSE, certificates={one.pk: ("bbfc", "U")}, genres={}, by="import", why="another table"
        )
    assert (Decision.objects.count(), Statement.objects.count(), Reversal.objects.count()) == before


def test_a_text_that_changed_and_is_read_as_clear_is_free_again() -> None:
    one = item(HATEFUL)
    read()
    Item.objects.filter(pk=one.pk).update(title="A walk in the park")
    assert held(one) != []  # until it is read
    read()
    assert (held(one), audience(one)) == ([], "child")
    reversal = Reversal.objects.get(decision__item=one)
    assert (reversal.by.name, reversal.reasons) == (
        "clerestory-text", "What this decision rests on no longer holds: read by the classifier."
    )  # fmt: skip


def test_another_text_with_a_finding_is_another_decision() -> None:
    one = item(HATEFUL)
    read()
    retitle(one, f"{HATEFUL} again")
    assert held(one) == [("terms.unsafe-for-minors", MINORS)]
    assert Decision.objects.filter(item=one).count() == 2
    assert "Another decision takes its place" in Reversal.objects.get(decision__item=one).reasons


def test_a_moderator_who_clears_what_was_held_reverses_it() -> None:
    one = item(FOREIGN)
    read()
    said(one, "audience", "child")
    assert (held(one), audience(one)) == ([], "child")
    reversal = Reversal.objects.get(decision__item=one)
    assert (reversal.by.name, reversal.by.kind) == ("account 7", "person")
    assert "Minute 3 shows what it is" in reversal.reasons


def test_a_moderators_finding_is_theirs_and_says_whether_a_machine_helped() -> None:
    alone, helped = item("A walk in the park"), item(FOREIGN)
    read()
    for one in (alone, helped):
        said(one, "violence" if one == alone else "hate", "unsafe")
    found = {one.pk: Decision.objects.get(item=one, rule="terms.unsafe-for-minors") for one in (alone, helped)}
    assert (found[alone.pk].automated_detection, found[alone.pk].automated_decision) == (False, "not")
    assert (found[helped.pk].automated_detection, found[helped.pk].automated_decision) == (True, "partially")
    assert {decision.decided_by.name for decision in found.values()} == {"account 7"}
    assert "found serious violence: Minute 3 shows what it is." in found[alone.pk].facts
    assert held(helped) == [("terms.unsafe-for-minors", MINORS)]


def test_a_stricter_audience_by_a_moderator_names_the_tiers_that_lose_the_item() -> None:
    one = item("A walk in the park", "PG")
    read()
    said(one, "audience", "teen")
    assert held(one) == [("terms.audience", ["young_teen"])]
    said(one, "audience", "adult")
    assert held(one) == [("terms.audience", ["young_teen", "teen"])]
    said(one, "audience", "child")
    assert held(one) == []


def test_what_the_publisher_says_is_no_restriction_of_ours() -> None:
    unrated, rated = item(HATEFUL, ""), item(HATEFUL, "R")
    read()
    assert (held(unrated), held(rated)) == ([], [])
    label_from_catalogue(service=HOUSE, certificates={unrated.pk: ("tv", "TV-14")}, genres={}, by="i", why="a test")
    assert held(unrated) == [("terms.unsafe-for-minors", ["teen"])]


def test_a_label_whose_statement_fails_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = item(HATEFUL), item("A walk in the park")

    def refused(**_: Any) -> None:
        raise DecisionRefused("planted")

    monkeypatch.setattr(stating, "decide", refused)
    with pytest.raises(DecisionRefused, match="planted"):
        read()
    assert not Label.objects.filter(item__in=(one, other), source="classifier").exists()
    assert (audience(one), audience(other)) == ("", "")


@pytest.mark.parametrize(
    ("title", "word", "rule"),
    [
        (HATEFUL, None, Rule.UNSAFE),
        (FOREIGN, None, Rule.HELD),
        ("A walk in the park", ("audience", "adult"), Rule.AUDIENCE),
    ],
    ids=["unsafe", "held", "audience"],
)
def test_an_upheld_complaint_frees_the_item_and_not_only_its_decision(
    title: str, word: tuple[str, str] | None, rule: Rule
) -> None:
    one = item(title)
    read()
    if word is not None:
        said(one, *word)
    decision = Decision.objects.get(item=one, rule=rule)
    reviewer = actor(name="account 8", kind=ActorKind.PERSON)
    reverse(decision=decision, by=reviewer, reasons="It was wrong.")
    lift(decision=decision, by="account 8", why="The complaint was right")
    assert (held(one), audience(one)) == ([], "child")


def test_who_clears_one_of_two_questions_leaves_the_other_held() -> None:
    one = item(FOREIGN)
    read()
    said(one, "hate", "clear")
    assert held(one) == [("terms.not-read-yet", MINORS)]
    assert "whether there is hate in" not in Decision.objects.get(item=one, reversal=None).facts
    left = dict.fromkeys(("offensive", "toxic"), "clear")
    moderate(service=HOUSE, item_id=one.pk, verdicts=left, by="account 7", why="I watched it")
    assert held(one) == []


def test_the_item_is_in_no_minors_list_and_cited_where_it_is_not_shown_nowhere() -> None:
    one, other = item(HATEFUL), item("A walk in the park")
    read()
    now = timezone.now()
    for tier in MINORS:
        gone = restricted_items(service=HOUSE, territory="", audience=tier, now=now)
        assert list(gone) == [one.pk]
        free = eligible_items(service=HOUSE, audiences=["child", "adult"], hidden=()).exclude(id__in=gone)
        assert set(free) == {other}
    assert penalties(HOUSE, [one.pk, other.pk], territory="", audience="adult", now=now) == {}


def test_a_list_of_a_minor_never_has_it_and_cites_nothing_about_it(world: World) -> None:
    someone = world.subject("alex")
    Subject.objects.filter(pk=someone.pk).update(tier="child")
    someone.refresh_from_db()
    taken = ids(serve_on(someone))[0]
    label_by_moderator(
        service=world.service, item_id=taken, about="violence", value="unsafe", by="account 7", why="a test of lists"
    )
    decision = Decision.objects.get(item_id=taken, reversal=None)
    assert taken not in ids(serve_on(someone))
    assert not ServedPenalty.objects.filter(decision_id=decision.pk).exists()


def test_nothing_is_restricted_where_nobody_of_ours_said_anything() -> None:
    published = [Word(about="audience", value="adult", confidence="high", source="certificate", source_name="mpaa")]
    clear = [Word(about="hate", value="clear", confidence="low", source="classifier", source_name="ours")]
    assert restrictions(published + clear, classifier="ours") == ()


def test_a_finding_that_the_publisher_made_itself_is_none_of_ours() -> None:
    def word(about: str, value: str, source: str, **more: Any) -> Word:
        return Word(about=about, value=value, confidence="low", source=source, **more)

    own = [word("audience", "child", "certificate"), word("hate", "unsafe", "certificate")]
    ours = word("toxic", "unsafe", "classifier", source_name="ours")
    cleared = word("hate", "clear", "moderator")
    assert restrictions([*own, ours], classifier="ours") == ()
    (restricted,) = restrictions([*own, ours, cleared], classifier="ours")
    assert (restricted.rule, list(restricted.tiers)) == (Rule.UNSAFE, MINORS)
