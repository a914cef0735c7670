"""Replay: decide a served slate again from its record alone, and say what differs, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compliance.audit import selectors
from compliance.audit.canonical import canonical, digest
from compliance.audit.columns import column_differences
from compliance.audit.keys.errors import KeyErased, KeyMissing
from compliance.audit.models import ServeRecord
from compliance.audit.storage.inputs import InputsBroken
from compliance.audit.storage.items import ItemsBroken
from compliance.audit.storage.sealing import SealBroken
from compliance.policy import router
from compliance.policy.pack import PackRefused, parse
from compliance.policy.types import Plan, RequestFacts, SubjectFacts
from compliance.serving.documents import output_document, plan_document, slate_document
from compliance.serving.pipeline import decide
from compliance.serving.recording import RECORD_VERSION
from ranking.serving.environment import environment, only_close
from ranking.serving.local import LocalScorer, load_again
from ranking.serving.types import Candidate

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is not as recorded: `what` names it (a file, a snapshot, a path in the output)."""

    what: str
    recorded: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: recorded {self.recorded}, found {self.found}"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The outcome of one replay. `identical` means: the same output, byte for byte.

    `only_close` names what of the recorded environment promised close scores instead; empty where bytes were promised.
    """

    serve_id: str
    differences: tuple[Difference, ...]
    environment_differs: tuple[str, ...]
    only_close: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


class Replayer:
    """Replays records. Every model's files are verified once per replayer, never taken from the serving process."""

    def __init__(self) -> None:
        self._scorers: dict[str, LocalScorer | Difference] = {}

    def replay(self, record: ServeRecord) -> Replay:
        """Replay one record: its bytes, its policy, its model and its output, in this order."""
        try:
            key = selectors.key_of_record(record)
            document = selectors.opened(record, key)
            differs = tuple(name for name, value in environment().items() if document["environment"].get(name) != value)
            close = only_close(document["environment"]) if document["model_sha256"] else ()
            differences = (*_column_differences(record, document), *self._decide_again(record, document, key))
        except (KeyErased, KeyMissing, SealBroken) as error:
            return _failed(record, Difference(what="record body", recorded="bytes that open", found=str(error)))
        except (LookupError, TypeError, ValueError) as error:  # a document of another form
            found = f"{type(error).__name__} {error}"
            return _failed(record, Difference(what="record document", recorded="a whole record", found=found))
        return Replay(serve_id=str(record.id), differences=differences, environment_differs=differs, only_close=close)

    def _decide_again(self, record: ServeRecord, document: Document, key: bytes) -> Iterator[Difference]:
        """Yield what differs, from the inputs outwards; stop at the first broken input."""
        pack = selectors.blob(document["policy_sha256"])
        if broken := _hash_difference("policy pack", document["policy_sha256"], pack):
            yield broken
        if broken or pack is None:
            return
        try:
            plan, inputs = _plan_again(document, pack), selectors.inputs_of(record, document, key)
        except PackRefused as error:
            yield Difference(what="policy pack", recorded="a pack that loads", found=str(error))
            return
        except (InputsBroken, ItemsBroken, SealBroken) as error:
            yield Difference(what="feature snapshot", recorded="whole inputs", found=str(error))
            return
        yield from compare("plan", document["plan"], plan_document(plan))
        scorer = self._scorer(document["model_sha256"])
        if isinstance(scorer, Difference):
            yield scorer
            return
        decision = decide(plan, inputs, None, int(document["situation"]["seed"]), scorer)
        yield from compare("depth", document.get("depth", decision.ranked.depth), decision.ranked.depth)
        yield from _output_differences(document, output_document(decision), inputs.explore)

    def _scorer(self, sha256: str) -> LocalScorer | Difference | None:
        if not sha256:
            return None
        if sha256 not in self._scorers:
            self._scorers[sha256] = _verified_scorer(sha256)
        return self._scorers[sha256]


def compare(path: str, recorded: Any, found: Any) -> Iterator[Difference]:
    """Yield the leaves where two documents differ, by path."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in sorted(set(recorded) | set(found)):
            yield from compare(f"{path}.{key}", recorded.get(key), found.get(key))
    elif isinstance(recorded, list | tuple) and isinstance(found, list | tuple) and len(recorded) == len(found):
        for place, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from compare(f"{path}[{place}]", one, other)
    elif recorded != found and canonical([recorded]) != canonical([found]):
        yield Difference(what=path, recorded=_short(recorded), found=_short(found))


def _plan_again(document: Document, pack: bytes) -> Plan:
    facts = SubjectFacts(**{**document["facts"], "hidden_items": tuple(document["facts"]["hidden_items"])})
    return router.plan(parse(pack), facts, RequestFacts(**document["request"]))


def _verified_scorer(sha256: str) -> LocalScorer | Difference:
    from ranking.training.registry import ModelFileChangedError, ModelNotFoundError

    try:
        return load_again(sha256)
    except (ModelFileChangedError, ModelNotFoundError) as error:
        return Difference(what="model file", recorded=sha256, found=str(error))
    except OSError as error:
        return Difference(what="model file", recorded=sha256, found=f"unreadable: {error.strerror}")
    except (RuntimeError, ValueError) as error:  # whole, but of other code, or for a device that is not here
        return Difference(what="model", recorded=sha256, found=str(error))


def _output_differences(document: Document, output: Document, explore: tuple[Candidate, ...]) -> Iterator[Difference]:
    """What was decided against what is on record: the slate by its parts, everything else by the output's hash."""
    kept = slate_document(output, explore) if "inputs" in document else output
    if canonical(kept) != canonical(document["output"]):
        yield from compare("output", document["output"], kept)
    if (again := digest(canonical(output))) != document["output_sha256"]:
        yield Difference(what="output hash", recorded=document["output_sha256"], found=again)


def _column_differences(record: ServeRecord, document: Document) -> Iterator[Difference]:
    for name, column, recorded in column_differences(record, document):
        yield Difference(what=f"column {name}", recorded=recorded, found=column)
    yield from compare("version", document["version"], RECORD_VERSION if "inputs" in document else 1)


def _hash_difference(what: str, sha256: str, content: bytes | None) -> Difference | None:
    if content is None:
        return Difference(what=what, recorded=sha256, found="nothing: it is missing")
    found = digest(content)
    return None if found == sha256 else Difference(what=what, recorded=sha256, found=found)


def _failed(record: ServeRecord, *differences: Difference) -> Replay:
    return Replay(serve_id=str(record.id), differences=differences, environment_differs=())


def _short(value: Any) -> str:
    text = canonical([value]).decode()[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}…"
