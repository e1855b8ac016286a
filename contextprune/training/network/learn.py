"""Training of the network: examples in, the best weights out; a run that is broken off goes on where it stopped.

The same on CPU cores (a process with one thread each) and on a GPU. Examples are drawn by the table of the mix, and
several are packed into one pass. What is kept is the running mean of the weights, which judges better than the last.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from contextprune.interpreter import isolate_children
from contextprune.scoring.network_weights import ROUNDS
from contextprune.scoring.torch_network import TorchNetwork, packed
from contextprune.training.mix import stage_at, weights
from contextprune.training.network.evaluate import summary
from contextprune.training.network.examples import Example, read_examples
from contextprune.training.network.judge import few_of_each, recalls_of
from contextprune.training.network.loss import group_loss

Report = Callable[[str], None]

EARLIER_ROUNDS = 0.15  # weight of the loss of the logits before the last round, each
CHECKPOINT_MINUTES = 5
BETAS = (0.9, 0.98)
LONGEST = 20_000  # pieces of a development example that weights are chosen by
TOGETHER = 16  # steps that each process takes by itself before their weights are averaged (local SGD, Stich 2019)
WARMUP = 0.02  # share of the run


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of a run.

    minutes   the learning rate falls to nothing when they are up, or after `steps`, whichever is first
    pieces    of a step, of each process, about
    rate      highest learning rate; the table has `table_rate` of it
    remember  of the running mean, a step
    looks     evaluations, evenly spread, and one at the start
    judged    development examples of a source that weights are chosen by
    """

    minutes: float = 90.0
    steps: int = 10**9
    pieces: int = 8000
    rate: float = 2e-3
    table_rate: float = 0.5
    decay: float = 0.01
    remember: float = 0.999
    looks: int = 6
    judged: int = 15
    seed: int = 0
    processes: int = 1


def learn(
    train: Sequence[Path], dev: Sequence[Path], start: Path, out: Path, recipe: Recipe, report: Report = print
) -> dict[str, float]:
    """Train from the weights in the file `start`, or go on from `out`; leaves the best in `out/best.safetensors`.

    train, dev   folders of examples

    Returns the figures of the best weights on the development examples.
    """
    out.mkdir(parents=True, exist_ok=True)
    if recipe.processes == 1:
        _run(0, train, dev, start, out, recipe, report)
    else:
        (out / "meeting").unlink(missing_ok=True)  # a run that was killed leaves it, and nobody would meet there
        isolate_children()
        spawn(_run_process, (train, dev, start, out, recipe), nprocs=recipe.processes)  # type: ignore[no-untyped-call]
    best: dict[str, float] = json.loads((out / "best.json").read_text(encoding="utf-8"))
    return best


def _run_process(rank: int, train: Sequence[Path], dev: Sequence[Path], start: Path, out: Path, recipe: Recipe) -> None:
    torch.set_num_threads(1)
    address = f"file://{(out / 'meeting').absolute()}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=recipe.processes)
    try:
        _run(rank, train, dev, start, out, recipe, lambda line: print(line, flush=True))  # noqa: T201
        dist.barrier()  # who leaves first would cut the other off
    finally:
        dist.destroy_process_group()


class _State:
    """What a run is made of, and what a checkpoint keeps of it."""

    def __init__(self, start: Path, recipe: Recipe, device: torch.device) -> None:
        tensors = load_file(start)
        self.network = TorchNetwork(len(tensors["table.weight"])).to(device)
        self.network.load_state_dict(tensors, strict=len(tensors) > 1)
        self.mean = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        table = self.network.table.weight
        large = [p for p in self.network.parameters() if p.dim() > 1 and p is not table]
        small = [p for p in self.network.parameters() if p.dim() < 2]
        self.rates = (recipe.rate, recipe.rate, recipe.rate * recipe.table_rate)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": large, "weight_decay": recipe.decay},
                {"params": small, "weight_decay": 0.0},
                {"params": [table], "weight_decay": 0.0},
            ],
            lr=recipe.rate, betas=BETAS,
        )  # fmt: skip
        self.step, self.best, self.spent = 0, -1.0, 0.0

    def progress(self, recipe: Recipe) -> float:
        """How much of the run is over."""
        return max(self.step / recipe.steps, self.spent / 60 / recipe.minutes)

    def save(self, path: Path) -> None:
        """Write everything in one file, which replaces the last one at once."""
        tensors = {f"network.{name}": tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        tensors |= {f"mean.{name}": tensor.contiguous() for name, tensor in self.mean.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        partial = path.with_name("partial")
        save_file(tensors, partial, {"step": str(self.step), "best": str(self.best), "spent": str(self.spent)})
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        self.step, self.best = int(metadata["step"]), float(metadata["best"])
        self.spent = float(metadata["spent"])
        tensors = load_file(path)
        for name in self.mean:
            self.mean[name].copy_(tensors[f"mean.{name}"])
        self.network.load_state_dict({name: tensors[f"network.{name}"] for name in self.mean})
        state = self.optimizer.state_dict()
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, part = name.split(".", 2)
                state["state"].setdefault(int(index), {})[part] = tensor
        self.optimizer.load_state_dict(state)


def _run(
    rank: int, train: Sequence[Path], dev: Sequence[Path], start: Path, out: Path, recipe: Recipe, report: Report
) -> None:
    torch.manual_seed(recipe.seed + rank)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = _State(start, recipe, device)
    if (out / "last.safetensors").exists():
        state.load(out / "last.safetensors")

    learned = [example for folder in train for example in read_examples(folder)]
    held_out = few_of_each((example for folder in dev for example in read_examples(folder)), recipe.judged, LONGEST)
    draws = _Draws(learned, Random(f"{recipe.seed}:{rank}:{state.step}"))  # noqa: S311 - a reproducible draw
    report(f"{len(learned)} examples to train on, {len(held_out)} to judge by")

    if state.step == 0:
        _look(rank, state, held_out, out, report)  # what training starts from may be the best
    began = saved = time.monotonic()
    spent_before = state.spent
    average = math.nan
    looked = int(state.progress(recipe) * recipe.looks)
    progress = _largest_of_all(state.progress(recipe), recipe.processes)
    while progress < 1:
        if int(progress * recipe.looks) > looked:
            looked = int(progress * recipe.looks)
            _look(rank, state, held_out, out, report)
        loss = _step(state, draws, progress, recipe, device)
        average = loss if math.isnan(average) else 0.99 * average + 0.01 * loss
        state.spent = spent_before + time.monotonic() - began
        if recipe.processes == 1 or state.step % TOGETHER == 0:
            progress = _largest_of_all(state.progress(recipe), recipe.processes)
        if rank == 0 and time.monotonic() - saved > 60 * CHECKPOINT_MINUTES:
            saved = time.monotonic()
            state.save(out / "last.safetensors")
        if rank == 0 and state.step % 50 == 0:
            report(f"step {state.step}  loss {average:.3f}  {state.spent / 60:.1f} of {recipe.minutes:.0f} min")
    state.save(out / "last.safetensors")
    _look(rank, state, held_out, out, report)


class _Draws:
    """Endless packs of examples, drawn by the mix."""

    def __init__(self, examples: Sequence[Example], rng: Random) -> None:
        self._rng = rng
        self._of_source: dict[str, list[Example]] = {}
        for example in examples:
            self._of_source.setdefault(example.source, []).append(example)
        self._counts = Counter({source: len(some) for source, some in self._of_source.items()})
        self._queues: dict[str, Iterator[Example]] = {}

    def pack(self, progress: float, pieces: int) -> list[Example]:
        """Draw examples until they have `pieces`."""
        of_one = weights(self._counts, stage_at(progress))
        sources = list(of_one)
        shares = [of_one[source] * self._counts[source] for source in sources]
        drawn: list[Example] = []
        room = pieces
        while room > 0:
            example = next(self._queue(self._rng.choices(sources, shares)[0]))
            if drawn and len(example.pieces) > 1.5 * room:
                break
            drawn.append(example)
            room -= len(example.pieces)
        return drawn

    def _queue(self, source: str) -> Iterator[Example]:
        if source not in self._queues:
            self._queues[source] = self._shuffled(self._of_source[source])
        return self._queues[source]

    def _shuffled(self, examples: Sequence[Example]) -> Iterator[Example]:
        while True:
            yield from self._rng.sample(examples, len(examples))


def _step(state: _State, draws: _Draws, progress: float, recipe: Recipe, device: torch.device) -> float:
    """Take one step; returns the loss of this process's pack."""
    factor = min(1.0, progress / WARMUP + 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    for group, rate in zip(state.optimizer.param_groups, state.rates, strict=True):
        group["lr"] = rate * factor

    examples = draws.pack(progress, recipe.pieces)
    state.network.train()
    gap = state.network.table.num_embeddings - 1
    logits = state.network(packed([example.inputs(gap) for example in examples], device))
    loss = pack_loss(logits, examples, Random(f"{recipe.seed}:{state.step}"))  # noqa: S311 - as above
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.step += 1
    if recipe.processes > 1 and state.step % TOGETHER == 0:
        _average_weights(state.network, recipe.processes)

    keep = min(recipe.remember, state.step / (state.step + 10))
    with torch.no_grad():
        for name, tensor in state.network.state_dict().items():
            state.mean[name].lerp_(tensor, 1 - keep)
    return loss.item()


def pack_loss(logits: Tensor, examples: Sequence[Example], rng: Random) -> Tensor:
    """Mean over examples of the loss of the last logits, and a share of that of the earlier ones.

    logits   [ROUNDS + 1, S]
    """
    total = logits.new_zeros(())
    at = 0
    for example in examples:
        judged = torch.from_numpy(example.judged).to(logits.device)
        label = torch.from_numpy(example.label.astype(np.float32)).to(logits.device)[judged]
        size = torch.from_numpy(example.size.astype(np.float32)).to(logits.device)[judged]
        of_example = logits[:, at : at + len(example.label)][:, judged]
        at += len(example.label)
        for number in range(ROUNDS + 1):
            share = 1.0 if number == ROUNDS else EARLIER_ROUNDS
            total = total + share * group_loss(of_example[number], label, size, rng)
    return total / len(examples)


def _look(rank: int, state: _State, held_out: Sequence[Example], out: Path, report: Report) -> None:
    """Judge the mean of the weights, and keep it if it is the best so far. One process does, the others wait."""
    if rank:
        return
    judged = TorchNetwork(state.network.table.num_embeddings).to(state.network.table.weight.device)
    judged.load_state_dict(state.mean)
    figures = summary(recalls_of(judged, held_out))
    report(f"step {state.step}: " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    mean = {name: tensor.contiguous() for name, tensor in state.mean.items()}
    save_file(mean, out / "mean.safetensors")
    if figures["mean"] > state.best:
        state.best = figures["mean"]
        save_file(mean, out / "best.safetensors")
        (out / "best.json").write_text(json.dumps({"step": state.step, **figures}, indent=1), encoding="utf-8")


def _average_weights(network: TorchNetwork, processes: int) -> None:
    """Give all processes the mean of their weights: steps take half as long as with a mean of gradients at each."""
    with torch.no_grad():
        flat = torch.cat([parameter.reshape(-1) for parameter in network.parameters()])
        dist.all_reduce(flat)
        flat /= processes
        at = 0
        for parameter in network.parameters():
            parameter.copy_(flat[at : (at := at + parameter.numel())].view_as(parameter))


def _largest_of_all(value: float, processes: int) -> float:
    """Take the largest of all processes' values, so that all stop at the same step."""
    if processes == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return float(shared)
