"""How well the text classifier reads: `python bench/labels.py --data PATH [--titles PATH] [--retrain] [--check]`.

PATH has davidson/, surge-toxicity/ and hatecheck/ as they were published; figures are over the part of the first two
that nothing was learnt from or chosen on. `--titles` names a folder of CSV files with title, description and rating, to
see how much of a catalogue is held back. `--retrain` trains it again and compares the bytes.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt

from bench.timing import table, verdict
from compliance.labels.classifier import measure
from compliance.labels.classifier.datasets import Example, FunctionalCase, parts, read_examples, read_hatecheck
from compliance.labels.classifier.linear import LinearTextClassifier, load
from compliance.labels.classifier.protocol import Scores
from compliance.labels.classifier.registry import FOLDER, SHA256
from compliance.labels.classifier.train import train, truth

if TYPE_CHECKING:
    from compliance.labels.classifier.measure import Share

HELD_RECALL: Final = 0.9
"""Of each kind of harm that the sets cover, so much must be kept from minors."""
SURE_PRECISION: Final = 0.9
"""Of what is found, rather than suspected, so much must be what it is called."""
FEWEST: Final = 30
"""Shares of fewer texts are printed and not judged."""
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that is printed about one classifier on one folder of sets."""

    categories: list[list[str]]
    filter: list[list[str]]
    groups: list[list[str]]
    targets: list[list[str]]
    missed: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--titles", type=Path)
    parser.add_argument("--retrain", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    classifier = load(FOLDER, expected_sha256=SHA256)
    found = results(classifier, options.data)
    table("Categories, each by its own annotators", CATEGORY_HEAD, found.categories)
    table("What is kept from minors: flagged in any category", ["texts", "kept from minors"], found.filter)
    table("HateCheck by functionality", GROUP_HEAD, found.groups)
    table(
        "HateCheck by who it is about", ["about", "hateful, kept from minors", "not hateful, kept too"], found.targets
    )
    if options.titles:
        table(
            "A catalogue's items",
            ["certificate", "titles held", "with description"],
            _titles(classifier, options.titles),
        )
    print("\nUnmeasured:", *classifier.card["unmeasured"], sep="\n- ")
    missed = found.missed + (_retrained(options.data) if options.retrain else [])
    print(f"\n{_speed(classifier, options.data):,.0f} texts a second; classifier {classifier.sha256}")
    return verdict(missed, check=options.check)


CATEGORY_HEAD: Final = ["category", "flagged: recall", "precision", "false alarms", "found: precision", "recall", "AUC"]
GROUP_HEAD: Final = ["functionality", "is", "kept from minors", "called unsafe", "called hate"]


def results(classifier: LinearTextClassifier, data: Path) -> Results:
    """Measure on the test part of a folder of sets. Raises TextsRefused."""
    examples, cases = parts(read_examples(data))["test"], read_hatecheck(data)
    score_NC, case_NC = (classifier.score([each.text for each in texts]) for texts in (examples, cases))
    filtered, missed = _filter(examples, kept(classifier, score_NC))
    rows, imprecise = _categories(classifier, examples, score_NC)
    flagged_N, sure_N = kept(classifier, case_NC), called_unsafe(classifier, case_NC)
    hate_N = case_NC[:, classifier.categories.index("hate")] >= classifier.thresholds["hate"].flagged
    return Results(
        categories=rows,
        filter=filtered,
        groups=_groups(cases, (flagged_N, sure_N, hate_N)),
        targets=_targets(cases, flagged_N),
        missed=missed + imprecise,
    )


def kept(classifier: LinearTextClassifier, score_NC: Scores) -> Bools:
    """Which texts are kept from minors: flagged in any category, or not readable."""
    flagged_C = [classifier.thresholds[name].flagged for name in classifier.categories]
    return np.asarray(((score_NC >= np.array(flagged_C)) | (score_NC < 0)).any(axis=1))


def called_unsafe(classifier: LinearTextClassifier, score_NC: Scores) -> Bools:
    """Which texts are found, not only suspected: over the threshold for precision of any category."""
    sure_C = [classifier.thresholds[name].sure for name in classifier.categories]
    return np.asarray((score_NC >= np.array(sure_C)).any(axis=1))


def _share(found_N: Bools, of_N: Bools) -> Share:
    return measure.Share(hits=int((found_N & of_N).sum()), of=int(of_N.sum()))


def _filter(examples: Sequence[Example], kept_N: Bools) -> tuple[list[list[str]], list[str]]:
    """What share of each kind of text is kept from minors, and which targets that misses."""
    rows, missed = [], []
    for category in ("hate", "offensive", "toxic"):
        _, is_N = truth(examples, category)
        share = _share(kept_N, is_N)
        rows.append([category, str(share)])
        if share.of >= FEWEST and share.value < HELD_RECALL:
            missed.append(f"{share.value:.3f} of {category} texts are kept from minors, not {HELD_RECALL}")
    for source in ("davidson", "surge"):
        harmless_N = np.array([each.source == source and not each.harmful for each in examples])
        rows.append([f"harmless, {source}: false alarms", str(_share(kept_N, harmless_N))])
    return rows, missed


def _categories(
    classifier: LinearTextClassifier, examples: Sequence[Example], score_NC: Scores
) -> tuple[list[list[str]], list[str]]:
    rows, missed = [], []
    for column, category in enumerate(classifier.categories):
        asked_N, is_N = truth(examples, category)
        score_N, true_N, bounds = score_NC[asked_N, column], is_N[asked_N], classifier.thresholds[category]
        flagged = measure.confusion(score_N >= bounds.flagged, true_N)
        sure = measure.confusion(score_N >= bounds.sure, true_N)
        shares = (flagged.recall, flagged.precision, flagged.false_alarms, sure.precision, sure.recall)
        rows.append([category, *map(str, shares), f"{measure.auc(score_N, true_N):.3f}"])
        if sure.precision.of >= FEWEST and sure.precision.value < SURE_PRECISION:
            missed.append(f"{sure.precision.value:.3f} of what is found to be {category} is, not {SURE_PRECISION}")
    return rows, missed


def _groups(cases: Sequence[FunctionalCase], found: Sequence[Bools]) -> list[list[str]]:
    """HateCheck's functionalities: for hateful cases shares are recall, for the others false alarms."""
    hateful_N = np.array([case.hateful for case in cases])
    rows = []
    for name in sorted({case.functionality for case in cases}, key=lambda name: (name.endswith("_nh"), name)):
        group_N = np.array([case.functionality == name for case in cases])
        shares = [str(_share(found_N, group_N)) for found_N in found]
        rows.append([name, "hateful" if hateful_N[group_N].all() else "not hateful", *shares])
    for name, of_N in (("all", hateful_N), ("all", ~hateful_N)):
        word = "hateful" if of_N is hateful_N else "not hateful"
        rows.append([name, word, *(str(_share(found_N, of_N)) for found_N in found)])
    return rows


def _targets(cases: Sequence[FunctionalCase], flagged_N: Bools) -> list[list[str]]:
    hateful_N, rows = np.array([case.hateful for case in cases]), []
    for target in sorted({case.target for case in cases}):
        about_N = np.array([case.target == target for case in cases])
        shares = [str(_share(flagged_N, about_N & of_N)) for of_N in (hateful_N, ~hateful_N)]
        rows.append([target or "nobody in particular", *shares])
    return rows


def _titles(classifier: LinearTextClassifier, folder: Path) -> list[list[str]]:
    """How much of a catalogue would wait for a person, by certificate."""
    items = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            items += [row for row in csv.DictReader(file) if row.get("rating")]
    groups: dict[str, Callable[[str], bool]] = {
        "for children (G, TV-Y, TV-Y7, TV-G)": lambda rating: rating in ("G", "TV-Y", "TV-Y7", "TV-Y7-FV", "TV-G"),
        "TV-PG, PG, PG-13, TV-14": lambda rating: rating in ("TV-PG", "PG", "PG-13", "TV-14"),
        "for adults (R, NC-17, TV-MA)": lambda rating: rating in ("R", "NC-17", "TV-MA"),
    }
    rows = []
    for words, fits in groups.items():
        chosen = [item for item in items if fits(item["rating"])]
        shares = [
            measure.Share(hits=int(kept(classifier, classifier.score(texts)).sum()), of=len(texts))
            for texts in (
                [f"{item['title']}\n" for item in chosen],
                [f"{item['title']}\n{item['description']}" for item in chosen],
            )
        ]
        rows.append([words, *map(str, shares)])
    return rows


def _retrained(data: Path) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        made = train(data, Path(folder))
    return [] if made.sha256 == SHA256 else [f"training again made {made.sha256[:12]}, not {SHA256[:12]}"]


def _speed(classifier: LinearTextClassifier, data: Path) -> float:
    texts = [case.text for case in read_hatecheck(data)]
    began = time.perf_counter()
    classifier.score(texts)
    return len(texts) / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
