"""The network: a small BERT that reads a window once and gives each of its spans a logit.

One forward pass scores all spans of a window together, so that they see one another and the goal. What a span is worth
is decided late, from its vector, its likeness to the goal (a pretrained bi-encoder knows that already; nothing is
thrown away) and scalar features that no 256 tokens can show. Shapes: B windows, L tokens, S spans, H the width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone reads
from torch import Tensor, nn

from contextprune.scoring.features import FEATURES
from contextprune.scoring.windows import Window

MATCH_SCALARS = 3  # numbers beside a span's vector: cosine to the goal, best token matches, relevance of the window
HEAD_WIDTH = 64  # width of the late stage
UNIT_VARIANCE = 3**0.5  # a uniform draw from -x..x has a variance of 1


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder, in the words of a BERT configuration."""

    vocab: int = 30_522
    width: int = 384
    heads: int = 12
    inner: int = 1536
    layers: int = 3
    positions: int = 512
    eps: float = 1e-12


class Batch:
    """Windows as tensors, padded to the longest.

    ids     [B, L] token ids
    length  [B] tokens of each window
    owner   [B, L] index of the span (0..S-1) that a token belongs to, S where it belongs to none
    goal    [B, L] True where a token belongs to the goal
    spans   S
    window  [S] index of the window that each span stands in
    """

    def __init__(self, ids: Tensor, length: Tensor, owner: Tensor, goal: Tensor, window: Tensor) -> None:
        self.ids, self.length, self.owner, self.goal, self.window = ids, length, owner, goal, window
        self.spans = window.shape[0]

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        tensors = (self.ids, self.length, self.owner, self.goal, self.window)
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in tensors))


def batch_of(windows: Sequence[Window]) -> Batch:
    """Put windows side by side, each padded at its end to the longest; their spans are numbered in order."""
    longest = max(len(window.ids) for window in windows)
    spans = sum(len(window.spans) for window in windows)
    ids = torch.zeros(len(windows), longest, dtype=torch.long)
    owner = torch.full((len(windows), longest), spans)
    goal = torch.zeros(len(windows), longest, dtype=torch.bool)
    row_of_span: list[int] = []

    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        goal[row, 1 : 1 + window.goal] = True
        for _, first, last in window.spans:
            owner[row, first:last] = len(row_of_span)
            row_of_span.append(row)
    return Batch(ids, torch.tensor([len(window.ids) for window in windows]), owner, goal, torch.tensor(row_of_span))


class Layer(nn.Module):
    """One transformer layer, normalised after each half as in BERT; query, key and value are one product."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm1 = nn.LayerNorm(shape.width, eps=shape.eps)
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.norm2 = nn.LayerNorm(shape.width, eps=shape.eps)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """[B, L, H] -> [B, L, H]; `mask` [B, 1, 1, L] is True at tokens that may be attended to."""
        b, n, h = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, h // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norm1(x + self.out(mixed.transpose(1, 2).reshape(b, n, h)))
        out: Tensor = self.norm2(x + self.down(F.gelu(self.up(x))))
        return out


class Encoder(nn.Module):
    """Embeddings and layers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.word = _embedding(shape.vocab, shape.width)
        self.position = _embedding(shape.positions, shape.width)
        self.start = nn.Parameter(torch.zeros(shape.width))  # marks a span's first token: WordPiece drops line ends
        self.norm = nn.LayerNorm(shape.width, eps=shape.eps)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def forward(self, batch: Batch) -> Tensor:
        """[B, L, H] token vectors."""
        _, n = batch.ids.shape
        before = F.pad(batch.owner[:, :-1], (1, 0), value=-1)
        first = (batch.owner != before) & (batch.owner < batch.spans)
        x = self.word(batch.ids) + self.position.weight[:n] + first.unsqueeze(-1).to(self.start.dtype) * self.start
        x = self.norm(x)
        full = bool((batch.length == n).all())
        mask = None
        if not full:
            mask = (torch.arange(n, device=batch.ids.device) < batch.length[:, None])[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        out: Tensor = x
        return out


def _embedding(rows: int, width: int) -> nn.Embedding:
    """[rows, width], drawn like that of torch but for the form: a normal draw on the meta device costs a second."""
    weights = torch.empty(rows, width).uniform_(-UNIT_VARIANCE, UNIT_VARIANCE)
    embedding: nn.Embedding = nn.Embedding.from_pretrained(weights, freeze=False)  # type: ignore[no-untyped-call]
    return embedding


class SpanEncoder(nn.Module):
    """Encoder and the part of the head that depends on the text alone, so that its output is cached by content."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.vector = nn.Linear(2 * shape.width, HEAD_WIDTH)
        self.relevance = nn.Linear(shape.width, 1)

    def forward(self, batch: Batch) -> Tensor:
        """[S, HEAD_WIDTH + MATCH_SCALARS]: the vector of each span, and the numbers beside it."""
        x = self.encoder(batch).float()
        b, n, h = x.shape
        spans = pooled(x.reshape(b * n, h), batch.owner.reshape(-1), batch.spans)
        goals = (x * batch.goal.unsqueeze(-1)).sum(1) / batch.goal.sum(1, keepdim=True).clamp(min=1)
        goal = goals[batch.window]
        cosine = F.cosine_similarity(spans, goal, dim=-1)
        match = best_match(x, batch)
        relevance = self.relevance(x[:, 0]).squeeze(-1)[batch.window]
        vector = F.gelu(self.vector(torch.cat((spans, spans * goal), -1)))
        return torch.cat((vector, torch.stack((cosine, match, relevance), -1)), -1)


class Head(nn.Module):
    """The late stage: output of `SpanEncoder` and scalar features -> one logit a span."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Linear(FEATURES, HEAD_WIDTH)
        self.both = nn.Linear(2 * HEAD_WIDTH + MATCH_SCALARS, HEAD_WIDTH)
        self.logit = nn.Linear(HEAD_WIDTH + MATCH_SCALARS + FEATURES, 1)

    def forward(self, vectors: Tensor, features: Tensor) -> Tensor:
        """[S, HEAD_WIDTH + MATCH_SCALARS], [S, FEATURES] -> [S]."""
        mixed = F.gelu(self.both(torch.cat((vectors, F.gelu(self.features(features))), -1)))
        straight = torch.cat((mixed, vectors[:, HEAD_WIDTH:], features), -1)
        logit: Tensor = self.logit(straight)
        return logit.squeeze(-1)


class Model(nn.Module):
    """Span encoder and head; the attributes bear the names of the tensors in a file of weights."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.reader = SpanEncoder(shape)
        self.judge = Head()

    def forward(self, batch: Batch, features: Tensor) -> Tensor:
        """[S] logits."""
        logits: Tensor = self.judge(self.reader(batch), features)
        return logits


def has_bf16() -> bool:
    """Whether this CPU multiplies in bf16; without the instructions it is over a hundred times slower than fp32."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())


def pooled(x: Tensor, owner: Tensor, spans: int) -> Tensor:
    """[N, H] tokens and [N] owners -> [S, H] means; a span without tokens has the zero vector."""
    total = x.new_zeros(spans + 1, x.shape[1]).index_add_(0, owner, x)
    count = x.new_zeros(spans + 1).index_add_(0, owner, x.new_ones(owner.shape[0]))
    return total[:spans] / count[:spans, None].clamp(min=1)


def best_match(x: Tensor, batch: Batch) -> Tensor:
    """[S]: for each token of the goal the most similar token of the span, averaged (Khattab and Zaharia 2020)."""
    b, n, _ = x.shape
    unit = F.normalize(x, dim=-1)
    longest = int(batch.goal.sum(1).max()) + 1  # the goal stands at 1..
    goal = batch.goal[:, :longest]
    alike = unit @ unit[:, :longest].transpose(1, 2)  # [B, L, Q]

    best = alike.new_full((batch.spans + 1, longest), -1.0)
    owner = batch.owner.reshape(-1, 1).expand(b * n, longest)
    best = best.scatter_reduce(0, owner, alike.reshape(b * n, longest), "amax")[: batch.spans]
    goal = goal[batch.window].to(best.dtype)
    return (best * goal).sum(-1) / goal.sum(-1).clamp(min=1)


def from_bert(tensors: Mapping[str, Tensor], shape: Shape, layers: list[int]) -> dict[str, Any]:
    """State of an `Encoder` from a BERT's tensors, with those of its layers that are listed, in that order."""
    tensors = {name.removeprefix("bert."): tensor.float() for name, tensor in tensors.items()}
    kind = tensors["embeddings.token_type_embeddings.weight"][0]
    state: dict[str, Tensor] = {
        "word.weight": tensors["embeddings.word_embeddings.weight"],
        "position.weight": tensors["embeddings.position_embeddings.weight"] + kind,
        "start": torch.zeros(shape.width),
        "norm.weight": tensors["embeddings.LayerNorm.weight"],
        "norm.bias": tensors["embeddings.LayerNorm.bias"],
    }
    for to, at in enumerate(layers):
        old = f"encoder.layer.{at}"
        for form in ("weight", "bias"):
            qkv = [tensors[f"{old}.attention.self.{name}.{form}"] for name in ("query", "key", "value")]
            state[f"layers.{to}.qkv.{form}"] = torch.cat(qkv)
            for ours, theirs in _BERT.items():
                state[f"layers.{to}.{ours}.{form}"] = tensors[f"{old}.{theirs}.{form}"]
    return state


_BERT = {
    "out": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm2": "output.LayerNorm",
}
"""Our name of a part of a layer -> BERT's."""
