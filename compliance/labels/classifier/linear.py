"""The default text classifier: TF-IDF of words and runs of characters, one logistic regression a category.

Serving needs NumPy alone. The files are `weights.safetensors`, `vocabulary.json` and `card.json`; the card holds the
hashes of the other two, the thresholds and the measurements, and its own hash is the classifier's.

Legend for shape suffixes: N texts, F features, C categories.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from compliance.labels.classifier.protocol import CANNOT_TELL, ClassifierBroken, Scores, Thresholds
from compliance.labels.classifier.text import CHARACTERS, WORD, features, readable

WEIGHTS, VOCABULARY, CARD = "weights.safetensors", "vocabulary.json", "card.json"
BLOCKS: Final = (WORD, CHARACTERS)
Float32s = npt.NDArray[np.float32]
Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What was learnt: a weight per feature and category, a bias, and how telling each feature is (idf)."""

    idf_F: Float32s
    weight_FC: Float32s
    bias_C: Float32s


@dataclass(frozen=True, kw_only=True)
class LinearTextClassifier:
    """See the module. `vocabulary` numbers the features of both blocks."""

    name: str
    sha256: str
    categories: tuple[str, ...]
    thresholds: Mapping[str, Thresholds]
    vocabulary: Mapping[tuple[str, str], int]
    weights: Weights
    card: Mapping[str, Any]

    def score(self, texts: Sequence[str]) -> Scores:
        """Scores_NC of 0 to 1000, or CANNOT_TELL where a text is empty or not written in Latin letters."""
        score_NC = np.full((len(texts), len(self.categories)), CANNOT_TELL, dtype=np.int16)
        for row, text in enumerate(texts):
            if readable(text):
                index, value = weighted(text, self.vocabulary, self.weights.idf_F)
                logit_C = value.astype(np.float64) @ self.weights.weight_FC[index] + self.weights.bias_C
                score_NC[row] = per_mille(logit_C)
        return score_NC


def per_mille(logit_C: npt.NDArray[np.float64]) -> Scores:
    """Logits as whole numbers of 0 to 1000, rounded down: what is stored and what thresholds are compared with."""
    scores: Scores = np.floor(1000 / (1 + np.exp(-np.clip(logit_C, -30, 30)))).astype(np.int16)
    return scores


def weighted(text: str, vocabulary: Mapping[tuple[str, str], int], idf_F: Float32s) -> tuple[Int32s, Float32s]:
    """A text's known features with their values: (1 + log count) x idf, each block of length 1."""
    counted = features(text)
    indices, values = [], []
    for block in BLOCKS:
        known = sorted(
            (vocabulary[key], count) for key, count in counted.items() if key[0] == block and key in vocabulary
        )
        index = np.array([place for place, _ in known], dtype=np.int32)
        value = (1 + np.log(np.array([count for _, count in known], dtype=np.float32))) * idf_F[index]
        indices.append(index)
        values.append(value / max(float(np.linalg.norm(value)), 1e-9))
    return np.concatenate(indices), np.concatenate(values).astype(np.float32)


def load(folder: Path, *, expected_sha256: str = "") -> LinearTextClassifier:
    """Read a classifier and check every file against its hash. Raises ClassifierBroken."""
    try:
        card_bytes, weights, words = ((folder / name).read_bytes() for name in (CARD, WEIGHTS, VOCABULARY))
    except OSError as error:
        raise ClassifierBroken(f"The text classifier's files cannot be read from {folder.name}: {error}.") from error
    found = sha256(card_bytes).hexdigest()
    if expected_sha256 and found != expected_sha256:
        raise ClassifierBroken(
            f"The text classifier in {folder.name} is {found[:12]}, not {expected_sha256[:12]}: restore its files, or "
            "train it again and name the new hash."
        )
    card = json.loads(card_bytes)
    for name, content in ((WEIGHTS, weights), (VOCABULARY, words)):
        if sha256(content).hexdigest() != card["files"][name]:
            raise ClassifierBroken(f"{name} is not the file that the text classifier's card names: restore it.")
    return _built(card, found, weights, words)


def _built(card: Mapping[str, Any], address: str, weights: bytes, words: bytes) -> LinearTextClassifier:
    from safetensors.numpy import load as tensors_of

    tensors, listed = tensors_of(weights), json.loads(words)
    vocabulary = {
        (block, feature): place
        for place, (block, feature) in enumerate((block, each) for block in BLOCKS for each in listed[block])
    }
    categories = tuple(card["categories"])
    if tensors["weight"].shape != (len(vocabulary), len(categories)) or len(tensors["idf"]) != len(vocabulary):
        raise ClassifierBroken("The text classifier's weights do not fit its vocabulary: restore its files.")
    return LinearTextClassifier(
        name=card["name"],
        sha256=address,
        categories=categories,
        thresholds={name: Thresholds(**card["thresholds"][name]) for name in categories},
        vocabulary=vocabulary,
        weights=Weights(idf_F=tensors["idf"], weight_FC=tensors["weight"], bias_C=tensors["bias"]),
        card=card,
    )
