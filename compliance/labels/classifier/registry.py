"""Which text classifier is part of this house: ours, the operator's own, or none."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from compliance.labels.classifier.linear import load
from compliance.labels.classifier.protocol import ClassifierBroken, TextClassifier

FOLDER: Final = Path(__file__).with_name("default")
SHA256: Final = "7bf5d1e34cdf6dfc87eebbbda6d19b9ac3760da25bea633351138c6ff2606da8"
"""What `manage.py train_text_classifier` made of the published sets; other files are refused."""
NONE: Final = "none"


def active() -> TextClassifier | None:
    """The classifier that items must pass; None where `CLERESTORY_TEXT_CLASSIFIER` is `none`.

    Raises ClassifierBroken.
    """
    return _made(settings.TEXT_CLASSIFIER)


@lru_cache(maxsize=4)
def _made(named: str) -> TextClassifier | None:
    if named == NONE:
        return None
    if not named:
        return load(FOLDER, expected_sha256=SHA256)
    try:
        made: TextClassifier = import_string(named)()
    except (ImportError, TypeError) as error:
        raise ClassifierBroken(
            f"{named} is no class that can be made without arguments: name one in CLERESTORY_TEXT_CLASSIFIER, `none`, "
            "or nothing for the one that comes with the house."
        ) from error
    return made
