"""A ranker as an operator would write it: one number for each item and one for how much the person did, in PyTorch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from ranking.data.encoding import Encoder
from ranking.data.schema import Float32s
from ranking.data.tokens import TokenBatch


class ItemBias:
    """Likes items by a learnt bias. Its folder holds `weights.pt` and the `encoder.json` of the model it came from."""

    def __init__(self) -> None:
        folder = Path(os.environ["PLUGGED_RANKER"])
        self.files = (folder / "weights.pt", folder / "encoder.json")
        self.encoder = Encoder.from_json(self.files[1].read_bytes())
        self.heads = ("like",)
        self._bias = torch.load(self.files[0], weights_only=True)

    def score(self, tokens: TokenBatch) -> Float32s:
        """Probabilities (M, 1)."""
        items = torch.from_numpy(tokens.candidate_item.id[0].astype(np.int64))
        past = float(tokens.event_mask_BS.sum()) / 100
        scored: Float32s = torch.sigmoid(self._bias[items] + past).unsqueeze(1).numpy()
        return scored


class OutOfBounds(ItemBias):
    """One that gives no probabilities."""

    def score(self, tokens: TokenBatch) -> Float32s:
        """Twice of what it should."""
        return super().score(tokens) + 1
