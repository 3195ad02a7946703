"""A micro-batch as the model's tensors: as long as it is, or padded to a shape that comes again.

A CUDA graph holds one shape. Padding adds tokens as a document of their own, supervised rows of weight zero and empty
documents; it changes no loss and no gradient but for the rounding of sums of another length.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...data import MicroBatch
from .shape import Documents

TOKEN_STEP, ROW_STEP, DOCUMENT_STEP = 128, 256, 16
"""Padded shapes are multiples of these: few shapes, little padding."""


@dataclass
class Inputs:
    """ids int64 [T]; positions fp32 [T], from 0 in every document; rows int64 [S], those with a supervised successor;
    targets int64 [S], what they predict; supervised: how many of the S are no padding; key int64 [1]: which numbers
    dropout takes, None: none.
    """

    ids: Tensor
    positions: Tensor
    rows: Tensor
    targets: Tensor
    documents: Documents
    supervised: int
    key: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int, int, bool]:
        """What a captured graph is for: tokens, rows, documents, longest document, dropout."""
        documents = len(self.documents.bounds) - 1
        return len(self.ids), len(self.rows), documents, self.documents.longest, self.key is not None

    def copy(self) -> "Inputs":
        """The same in tensors of its own."""
        ids, positions, rows, targets, bounds, *key = (tensor.clone() for tensor in self.tensors())
        return Inputs(ids, positions, rows, targets, replace(self.documents, bounds=bounds), self.supervised, *key)

    def tensors(self) -> tuple[Tensor, ...]:
        """All that a micro-batch of the same shape changes."""
        key = () if self.key is None else (self.key,)
        return self.ids, self.positions, self.rows, self.targets, self.documents.bounds, *key


def inputs_of(batch: MicroBatch, device: torch.device, padded: bool, key: int | None = None) -> Inputs:
    """The tensors of a micro-batch on the device; key: dropout's, if it is on."""
    ids, lengths, after = batch.ids.astype(np.int64), list(batch.lengths), batch.targets
    rows, targets, longest = after - 1, ids[after], max(batch.lengths)
    if padded:
        extra = _up(len(ids), TOKEN_STEP) - len(ids)
        more = _up(max(len(rows), 1), ROW_STEP) - len(rows)
        # A document's last token predicts nothing: all padding may write its zeros there.
        rows = np.concatenate((rows, np.full(more, len(ids) - 1)))
        targets = np.concatenate((targets, np.zeros(more, np.int64)))
        ids = np.concatenate((ids, np.zeros(extra, np.int64)))
        lengths += [extra] if extra else []
        lengths += [0] * (_up(len(lengths), DOCUMENT_STEP) - len(lengths))
        # The kernels take it for the size of their grids only.
        longest = max(TOKEN_STEP, 1 << (longest - 1).bit_length())
    positions = np.concatenate([np.arange(length, dtype=np.float32) for length in lengths])
    bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    ids_, positions_, rows_, targets_, bounds_ = (
        torch.from_numpy(array).to(device) for array in (ids, positions, rows, targets, bounds)
    )
    documents = Documents(bounds_, longest, lengths, lasting=not padded)
    key_ = None if key is None else torch.tensor([key], device=device)
    return Inputs(ids_, positions_, rows_, targets_, documents, len(after), key_)


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
