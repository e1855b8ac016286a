"""The network of neural.v2 in torch: for training, and for scoring on a GPU. `network.py` computes the same in NumPy.

Every piece is read cheaply (a table and two depthwise-separable convolutions), and every span hears from its
neighbours, its block, the whole context and the spans that look best so far. T pieces, N texts, S spans, B blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone reads
from torch import Tensor, nn

from contextprune.errors import ScorerError
from contextprune.scoring.network_inputs import GOAL, HEADER, RECENT, Inputs
from contextprune.scoring.network_weights import ATTENTION, INNER, KERNEL, KEY, LAYERS, NUMBERS, ROUNDS, WIDTH

QUERIES = (GOAL, RECENT)  # the texts that all others are compared with, by their kinds
TOP = 64  # spans that all others attend to
GATE_LIMIT = 8.0
TINY = 1e-6
DROPOUT = 0.1  # share of the numbers of a span that a training step leaves out


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where one of several packed contexts stands: first and end of its pieces, stretches, texts and spans."""

    pieces: slice
    stretches: slice
    texts: slice
    spans: slice


@dataclass(frozen=True, slots=True)
class Packed:
    """Contexts one after another, as tensors; indices count over all of them.

    ids       [T]
    lengths   [L] pieces of each stretch: texts and the gaps between them, in order
    texts     [N] the stretch of each text
    starts    [N] its first piece; kinds [N]
    headers   [S] the text that is the header of each span's block
    spans     [S] the text of each span
    blocks    [S] the number of its block
    owner     [S] the number of its context
    features  [S, FEATURES]
    """

    ids: Tensor
    lengths: Tensor
    texts: Tensor
    starts: Tensor
    kinds: Tensor
    headers: Tensor
    spans: Tensor
    blocks: Tensor
    owner: Tensor
    features: Tensor
    bounds: Sequence[Bounds]


def packed(contexts: Sequence[Inputs], device: torch.device | str = "cpu") -> Packed:
    """Pack the inputs of contexts, each with one span or more."""
    columns: dict[str, list[Any]] = {name: [] for name in _INDICES}
    bounds: list[Bounds] = []
    pieces = stretches = texts = blocks = spans = 0
    for number, inputs in enumerate(contexts):
        count, scored = len(inputs.starts), len(inputs.blocks)
        stretch = np.stack((inputs.starts - np.r_[0, inputs.ends[:-1]], inputs.ends - inputs.starts), 1).ravel()
        columns["ids"].append(inputs.ids)
        columns["lengths"] += [stretch[stretch > 0], [len(inputs.ids) - inputs.ends[-1]]]
        columns["texts"].append(np.cumsum(stretch > 0)[1::2] - 1 + stretches)
        columns["starts"].append(inputs.starts + pieces)
        columns["kinds"].append(inputs.kinds)
        columns["headers"].append(inputs.blocks + HEADER + texts)
        columns["spans"].append(np.arange(count - scored, count) + texts)
        columns["blocks"].append(inputs.blocks + blocks)
        columns["owner"].append(np.full(scored, number))

        ends = pieces + len(inputs.ids), stretches + int((stretch > 0).sum()) + 1, texts + count, spans + scored
        starts = pieces, stretches, texts, spans
        bounds.append(Bounds(*(slice(a, b) for a, b in zip(starts, ends, strict=True))))
        pieces, stretches, texts, spans = ends
        blocks += int(inputs.blocks[-1]) + 1

    index = {
        name: torch.from_numpy(np.concatenate(parts).astype(np.int64)).to(device) for name, parts in columns.items()
    }
    features = torch.from_numpy(np.concatenate([inputs.features for inputs in contexts]).astype(np.float32)).to(device)
    return Packed(**index, features=features, bounds=bounds)


_INDICES = ("ids", "lengths", "texts", "starts", "kinds", "headers", "spans", "blocks", "owner")


class Depthwise(torch.autograd.Function):
    """A convolution of each number by itself over [T, WIDTH]: three times as fast as torch's own on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        """y[i] = sum over k of x[i + k - KERNEL // 2] * weight[k]."""
        ctx.save_for_backward(x, weight)
        return _convolved(x, weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of both."""
        x, weight = ctx.saved_tensors
        grad = grads[0].contiguous()
        around = _padded(x)
        of_weight = torch.stack([(around[k : k + len(x)] * grad).sum(0) for k in range(KERNEL)])
        return _convolved(grad, weight.flip(0)), of_weight


def _padded(x: Tensor) -> Tensor:
    return F.pad(x, (0, 0, KERNEL // 2, KERNEL // 2))


def _convolved(x: Tensor, weight: Tensor) -> Tensor:
    around = _padded(x)
    y = around[: len(x)] * weight[0]
    for k in range(1, KERNEL):
        y.addcmul_(around[k : k + len(x)], weight[k])
    return y


class TorchNetwork(nn.Module):
    """The whole network; names of its parameters are those in a file of weights. All matrices are [in, out]."""

    def __init__(self, pieces: int) -> None:
        """`pieces`: rows of the table, of which the last is the gap."""
        super().__init__()
        self.table = nn.Embedding(pieces, WIDTH, padding_idx=pieces - 1)
        self.mark = _matrix(HEADER + 2, WIDTH, scale=0.1)
        self.conv = nn.ParameterList(_matrix(KERNEL, WIDTH, scale=KERNEL**-0.5) for _ in range(LAYERS))
        self.scale = nn.ParameterList(nn.Parameter(torch.ones(WIDTH)) for _ in range(LAYERS))
        self.w1 = nn.ParameterList(_matrix(WIDTH, INNER) for _ in range(LAYERS))
        self.b1 = nn.ParameterList(_zeros(INNER) for _ in range(LAYERS))
        self.w2 = nn.ParameterList(_matrix(INNER, WIDTH, scale=0.5 * INNER**-0.5) for _ in range(LAYERS))
        self.b2 = nn.ParameterList(_zeros(WIDTH) for _ in range(LAYERS))
        self.gate = _zeros(WIDTH)
        self.key = _matrix(WIDTH, KEY)
        self.query_weight = nn.Parameter(torch.zeros(len(QUERIES), WIDTH))

        self.span, self.header = _matrix(2 * WIDTH, WIDTH), _matrix(2 * WIDTH, WIDTH)
        self.goal, self.recent = _matrix(2 * WIDTH, WIDTH), _matrix(2 * WIDTH, WIDTH)
        self.numbers = _matrix(NUMBERS, WIDTH, scale=0.3)
        self.span_pair, self.goal_pair = _matrix(2 * WIDTH, KEY), _matrix(2 * WIDTH, KEY)
        self.pair = _matrix(KEY, WIDTH)
        self.bias = _zeros(WIDTH)

        self.out = nn.ParameterList(_zeros(WIDTH) for _ in range(ROUNDS + 1))
        self.out_bias = nn.Parameter(torch.full((ROUNDS + 1,), -2.0))
        self.norm = nn.ParameterList(nn.Parameter(torch.ones(WIDTH)) for _ in range(ROUNDS))
        self.near = _of_rounds(5 * WIDTH, WIDTH)
        self.block, self.context = _of_rounds(2 * WIDTH, WIDTH), _of_rounds(2 * WIDTH, WIDTH)
        self.query, self.key_top = _of_rounds(WIDTH, ATTENTION), _of_rounds(WIDTH, ATTENTION)
        self.value_top, self.back = _of_rounds(WIDTH, KEY), _of_rounds(KEY, WIDTH)
        self.round_bias = nn.ParameterList(_zeros(WIDTH) for _ in range(ROUNDS))

    def forward(self, x: Packed) -> Tensor:
        """[ROUNDS + 1, S] logits: before the first round, and after each; the last row is the result."""
        pieces = self.read(x)
        texts, keys = self.pooled(pieces, x)
        z = self.joined(pieces, texts, keys, x)
        logits = [z @ self.out[0] + self.out_bias[0]]
        for number in range(ROUNDS):
            z = self.round(number, z, logits[-1], x)
            logits.append(z @ self.out[number + 1] + self.out_bias[number + 1])
        return torch.stack(logits)

    def read(self, x: Packed) -> Tensor:
        """[T, WIDTH]: the pieces, each with what stands around it."""
        pieces = self.table(x.ids).index_add(0, x.starts, self.mark[x.kinds])
        for conv, scale, w1, b1, w2, b2 in zip(self.conv, self.scale, self.w1, self.b1, self.w2, self.b2, strict=True):
            y = rms(Depthwise.apply(pieces, conv)) * scale  # type: ignore[no-untyped-call]
            pieces = pieces + torch.addmm(b2, torch.relu(torch.addmm(b1, y, w1)), w2)
        return rms(pieces)

    def pooled(self, pieces: Tensor, x: Packed) -> tuple[Tensor, Tensor]:
        """[N, 2 WIDTH] the gated mean and the maximum of each text, and [T, KEY] the keys of its pieces."""
        gate = (pieces @ self.gate).clamp(-GATE_LIMIT, GATE_LIMIT).exp()[:, None]
        total = torch.segment_reduce(torch.cat((pieces * gate, gate), 1), "sum", lengths=x.lengths, axis=0)
        highest = torch.segment_reduce(pieces, "max", lengths=x.lengths, axis=0)
        both = torch.cat((total[:, :-1] / total[:, -1:], highest), 1)[x.texts]
        key = pieces @ self.key
        return both, key * torch.rsqrt(key.square().sum(1, keepdim=True) + TINY)

    def joined(self, pieces: Tensor, texts: Tensor, keys: Tensor, x: Packed) -> Tensor:
        """[S, WIDTH]: each span with its header, the goal, the latest calls, matches and features."""
        matches = torch.cat([self.matches(pieces, keys, x, bounds) for bounds in x.bounds])
        firsts = torch.tensor([bounds.texts.start for bounds in x.bounds], device=texts.device)
        goal, recent = texts[firsts + GOAL], texts[firsts + RECENT]
        span = texts[x.spans]
        pair = (span @ self.span_pair) * (goal @ self.goal_pair)[x.owner]
        numbers = torch.cat((x.features, matches[x.spans], matches[x.headers]), 1)
        z = span @ self.span + (texts @ self.header)[x.headers] + (goal @ self.goal + recent @ self.recent)[x.owner]
        return torch.relu(z + numbers @ self.numbers + pair @ self.pair + self.bias)

    def matches(self, pieces: Tensor, keys: Tensor, x: Packed, bounds: Bounds) -> Tensor:
        """[texts of one context, MATCHES a query]: how well the pieces of each text match those of the queries."""
        of_context, lengths = keys[bounds.pieces], x.lengths[bounds.stretches]
        texts = x.texts[bounds.texts] - bounds.stretches.start
        compared = []
        for query in QUERIES:
            first = int(x.starts[bounds.texts.start + query])
            queried = slice(first, first + int(x.lengths[x.texts[bounds.texts.start + query]]))
            weight = torch.softmax(pieces[queried] @ self.query_weight[query], 0)
            best = torch.segment_reduce(of_context @ keys[queried].t(), "max", lengths=lengths, axis=0)[texts]
            compared += [best @ weight, best.amax(1), torch.relu(2 * best - 1) @ weight]
        return torch.stack(compared, 1)

    def round(self, number: int, z: Tensor, logit: Tensor, x: Packed) -> Tensor:
        """[S, WIDTH]: one round of messages; `logit` chooses the spans that all attend to."""
        y = rms(z) * self.norm[number]
        step = 1 + 2**number
        steps = (1, -1, step, -step)
        near = torch.cat([y, *(neighbour(y, x.blocks, step) for step in steps)], 1) @ self.near[number]
        block = (_pooled(y, x.blocks) @ self.block[number])[x.blocks]
        context = (_pooled(y, x.owner) @ self.context[number])[x.owner]
        attended = torch.cat([self.attended(number, y[b.spans], logit[b.spans]) for b in x.bounds])
        added = torch.relu(near + block + context + attended @ self.back[number] + self.round_bias[number])
        return z + F.dropout(added, DROPOUT, self.training)

    def attended(self, number: int, y: Tensor, logit: Tensor) -> Tensor:
        """[S, KEY] of one context: what its best spans say to each."""
        top = y[torch.argsort(-logit.detach(), stable=True)[:TOP]]
        fit = (y @ self.query[number]) @ (top @ self.key_top[number]).t() / ATTENTION**0.5
        attended: Tensor = torch.softmax(fit, 1) @ (top @ self.value_top[number])
        return attended


class OnGpu:
    """The trained network on a GPU: the same call as the one in NumPy."""

    def __init__(self, weights: Mapping[str, np.ndarray[Any, Any]], device: torch.device) -> None:
        self.runs_on = f"{device.type}, fp32"
        self.gap = len(weights["table.weight"]) - 1
        self._device = device
        with torch.device("meta"):
            self._network = TorchNetwork(self.gap + 1)
        state = {name: torch.from_numpy(array).to(device) for name, array in weights.items()}
        self._network.load_state_dict(state, assign=True)
        self._network.eval().requires_grad_(False)

    @classmethod
    def on(cls, weights: Mapping[str, np.ndarray[Any, Any]], device: str) -> OnGpu | None:
        """For "auto" None where torch sees no GPU; for "cuda" a ScorerError."""
        if torch.cuda.is_available():
            return cls(weights, torch.device("cuda"))
        if device == "auto":
            return None
        raise ScorerError(f"device {device!r} was asked for, and torch sees none here: use 'auto' or 'cpu'")

    def __call__(self, inputs: Inputs) -> np.ndarray[Any, Any]:
        """[S] logits."""
        if not len(inputs.blocks):
            return np.zeros(0, np.float32)
        with torch.inference_mode():
            logits: np.ndarray[Any, Any] = self._network(packed([inputs], self._device))[-1].float().cpu().numpy()
        return logits


def rms(x: Tensor) -> Tensor:
    """Each row divided by the root of its mean square."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + TINY)


def neighbour(y: Tensor, blocks: Tensor, step: int) -> Tensor:
    """[S, WIDTH]: row `i - step` for span `i` where that one is of its block, else zeros."""
    moved = torch.zeros_like(y)
    if abs(step) < len(y):
        to, of = (slice(step, None), slice(None, -step)) if step > 0 else (slice(None, step), slice(-step, None))
        moved[to] = y[of] * (blocks[to] == blocks[of])[:, None]
    return moved


def _pooled(y: Tensor, owner: Tensor) -> Tensor:
    """[owners, 2 WIDTH]: the mean and the maximum of the spans of each; owners rise from 0 and none is left out."""
    lengths = torch.bincount(owner)
    return torch.cat([torch.segment_reduce(y, how, lengths=lengths, axis=0) for how in ("mean", "max")], 1)


def _matrix(inputs: int, outputs: int, scale: float | None = None) -> nn.Parameter:
    return nn.Parameter(torch.randn(inputs, outputs) * (inputs**-0.5 if scale is None else scale))


def _of_rounds(inputs: int, outputs: int) -> nn.ParameterList:
    return nn.ParameterList(_matrix(inputs, outputs, scale=0.5 * inputs**-0.5) for _ in range(ROUNDS))


def _zeros(size: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(size))
