"""Replay: decide served slates again from their records alone, in grades, and say what differs, by name.

`grades` says what each grade promises, `replayer` does it; `integrity` looks at stored bytes, `scores` at numbers.
`docs/replay.md` tells an auditor how to run it.
"""

from compliance.serving.replay.differences import Difference, compare
from compliance.serving.replay.grades import TOLERANCE, Grade, Replay
from compliance.serving.replay.replayer import Replayer

__all__ = ["TOLERANCE", "Difference", "Grade", "Replay", "Replayer", "compare"]
