"""The default text classifier: its files, its features, its split, and its figures on texts it never learnt from."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.labels import main, results
from compliance.labels.classifier import measure
from compliance.labels.classifier.datasets import (
    RUN,
    Example,
    TextsRefused,
    families,
    parts,
    read_examples,
    read_hatecheck,
)
from compliance.labels.classifier.linear import CARD, VOCABULARY, WEIGHTS, load
from compliance.labels.classifier.protocol import CANNOT_TELL, ClassifierBroken
from compliance.labels.classifier.registry import FOLDER, SHA256
from compliance.labels.classifier.text import features, normalised
from compliance.labels.classifier.train import train

ROOT = Path(__file__).resolve().parents[3]
CUT = ROOT / "tests" / "data" / "text-safety"


def test_the_files_are_the_ones_that_are_named_and_small() -> None:
    classifier = load(FOLDER, expected_sha256=SHA256)
    assert classifier.categories == ("hate", "offensive", "toxic")
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 3_000_000
    assert {file.name for file in FOLDER.iterdir()} == {CARD, WEIGHTS, VOCABULARY}


@pytest.mark.parametrize("name", [CARD, WEIGHTS, VOCABULARY])
def test_a_changed_file_is_refused(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "copy")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-2] + b" \n")
    with pytest.raises(ClassifierBroken, match="restore"):
        load(folder, expected_sha256=SHA256)
    (folder / name).unlink()
    with pytest.raises(ClassifierBroken, match="cannot be read"):
        load(folder)


def test_it_keeps_its_targets_on_texts_it_never_learnt_from() -> None:
    found = results(load(FOLDER, expected_sha256=SHA256), CUT)
    assert found.missed == []
    assert {row[0] for row in found.categories} == {"hate", "offensive", "toxic"}
    assert len(found.groups) == 29 + 2
    overall = {row[1]: row[2] for row in found.groups if row[0] == "all"}
    assert float(overall["hateful"][:5]) > 0.85
    assert float(overall["not hateful"][:5]) < 0.9  # a known weakness: it must not grow unseen


def test_the_bench_prints_what_is_unmeasured_and_names_missed_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(CUT), "--check"]) == 0
    said = capsys.readouterr().out
    assert "self-harm, eating disorders, sexual content" in said
    assert "languages other than English" in said
    assert "slur_reclaimed_nh" in said


def test_a_score_depends_on_its_own_text_alone() -> None:
    classifier, texts = load(FOLDER), ["you are a bitch", "Toy Story", "I love my dog", ""]
    together = classifier.score(texts)
    assert together[0, 1] > 900 > together[1, 1]
    for place, text in enumerate(texts):
        assert (classifier.score([text])[0] == together[place]).all()
    assert ((together >= CANNOT_TELL) & (together <= 1000)).all()


@pytest.mark.parametrize("text", ["", "   ", "12 34 !!", "Прогулка в парке", "公园散步", "a прогулка"])
def test_it_cannot_tell_what_it_cannot_read(text: str) -> None:
    assert (load(FOLDER).score([text]) == CANNOT_TELL).all()


@pytest.mark.parametrize(
    ("written", "looked_up"),
    [
        ("H4TE", "hate"),
        ("h a t e", "hate"),
        ("haaaaate", "haate"),
        ("h\u00e4te", "hate"),
        ("ha\u200bte", "hate"),
        ("RT @somebody: see http://t.co/abc &amp; go", "someone : see address & go"),
        ("1995", "1995"),
    ],
)
def test_hidden_spellings_are_undone_where_a_rule_can(written: str, looked_up: str) -> None:
    assert normalised(written) == looked_up


def test_no_account_is_in_the_vocabulary() -> None:
    assert features("@alice hello") == features("@bob hello")
    vocabulary = load(FOLDER).vocabulary
    assert not [feature for _, feature in vocabulary if "@" in feature or "://" in feature]


def test_tellings_of_one_text_are_one_family() -> None:
    texts = [
        "the quick brown fox jumps over",
        "RT @x: The quick brown fox jumps, lol http://t.co/a",
        "something else altogether is said here",
        "short one",
        "Short ONE",
        "short two",
    ]
    found = families(texts)
    assert found[0] == found[1]
    assert found[3] == found[4]
    assert len(set(found)) == 4
    assert sorted(families(texts[::-1])) == sorted(found)


def test_no_run_of_words_is_on_two_sides_of_the_split() -> None:
    words = [f"{chr(97 + place)}{chr(97 + place)}word" for place in range(26)]
    rng = np.random.default_rng(0)
    told = [" ".join(rng.choice(words, size=9)) for _ in range(400)]
    told += [f"well {text} indeed" for text in told[:100]]
    split = parts([Example(source="davidson", text=text, is_={"hate": False}) for text in told])
    assert all(len(side) > 20 for side in split.values())
    runs = {
        name: {tuple(text[start : start + RUN]) for text in (one.text.split() for one in side) for start in range(5)}
        for name, side in split.items()
    }
    assert not runs["train"] & runs["test"]
    assert not runs["train"] & runs["validation"]
    assert not runs["validation"] & runs["test"]


def test_the_cut_is_test_texts_only_and_names_nobody() -> None:
    split = parts(read_examples(CUT))
    assert (len(split["train"]), len(split["validation"]), len(split["test"])) == (0, 0, 3949)
    for name in ("davidson", "surge-toxicity", "hatecheck"):
        assert (CUT / name / "LICENSE").stat().st_size > 1000
    handles = {word for one in split["test"] for word in one.text.split() if word.startswith("@") and len(word) > 1}
    assert all(handle.startswith("@someone") for handle in handles if handle[1].isalnum())


def test_a_folder_in_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match="as published"):
        read_hatecheck(tmp_path)
    (tmp_path / "hatecheck").mkdir()
    (tmp_path / "hatecheck" / "test_suite_cases.csv").write_text("test_case\nhello\n")
    with pytest.raises(TextsRefused, match="lacks the columns"):
        read_hatecheck(tmp_path)


def write_tiny(folder: Path) -> Path:
    """Sets of the published layout with one word that gives each class away."""
    rng = np.random.default_rng(1)
    words = [
        first + second for first in ("ba", "de", "ki", "lo", "mu") for second in ("ran", "sto", "pel", "vik", "wen")
    ]
    given_away = {"0": "hatted", "1": "offed", "2": "nice"}
    (folder / "davidson").mkdir(parents=True)
    (folder / "surge-toxicity").mkdir()
    with (folder / "davidson" / "labeled_data.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["class", "tweet"])
        for number in range(600):
            kind = str(number % 3)
            rows.writerow([kind, f"{given_away[kind]} {' '.join(rng.choice(words, size=8))}"])
    with (folder / "surge-toxicity" / "toxicity_en.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "is_toxic"])
        for number in range(300):
            toxic = number % 2 == 0
            rows.writerow(
                [f"{'toxed' if toxic else 'nice'} {' '.join(rng.choice(words, size=8))}", "Toxic" if toxic else ""]
            )
    return folder


def test_training_learns_and_gives_the_same_bytes_again(tmp_path: Path) -> None:
    data = write_tiny(tmp_path / "data")
    one, other = train(data, tmp_path / "one"), train(data, tmp_path / "other")
    assert one.sha256 == other.sha256
    assert (tmp_path / "one" / WEIGHTS).read_bytes() == (tmp_path / "other" / WEIGHTS).read_bytes()
    hate, offensive, toxic = one.score(["hatted baran", "offed baran", "toxed baran"]).T[:, :].tolist()
    assert hate[0] > hate[1]
    assert offensive[1] > offensive[2]
    assert toxic[2] > one.thresholds["toxic"].flagged > one.score(["nice baran desto"])[0, 2]


def test_serving_loads_no_learning_library() -> None:
    code = (
        "import sys; from pathlib import Path; from compliance.labels.classifier.linear import load;"
        f"load(Path({str(FOLDER)!r})).score(['hello']);"
        "print({'sklearn', 'scipy', 'torch', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "set()"


def test_thresholds_do_what_they_promise() -> None:
    score, true = np.array([900, 800, 700, 600, 500], dtype=np.int16), np.array([True, True, False, True, False])
    assert measure.for_recall(score, true, 0.9) == 600
    assert measure.for_recall(score, true, 0.6) == 800
    assert measure.for_precision(score, true, 0.95, least=2) == 701
    assert measure.for_precision(score, true, 0.95, least=3) == measure.NEVER
    assert measure.for_f1(score, true) == 501
    assert measure.auc(score, true) == pytest.approx(5 / 6)


def test_wilsons_interval_is_the_published_one() -> None:
    share = measure.Share(hits=0, of=200)  # Brown, Cai and DasGupta 2001: z²/(n + z²) at the upper end of none
    assert share.low == pytest.approx(0, abs=1e-9)
    assert share.high == pytest.approx(1.959964**2 / (200 + 1.959964**2), abs=1e-6)
    share = measure.Share(hits=81, of=263)  # Newcombe 1998, table I, method 3
    assert (round(share.low, 4), round(share.high, 4)) == (0.2553, 0.3662)
