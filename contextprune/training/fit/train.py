"""Training of the encoder and its head: groups in, the best weights out.

The same on two CPU cores and on a GPU. Processes share the batch: on a CPU one thread each, because two threads of one
process wait for one another whenever anything else runs. Everything is fixed by the seed and the number of steps.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.multiprocessing.spawn import spawn

from contextprune.errors import SettingsError
from contextprune.interpreter import isolate_children
from contextprune.scoring.encoder import Model, Shape, from_bert
from contextprune.scoring.listwise import PREFIX
from contextprune.training.fit.encode import scores_of
from contextprune.training.fit.evaluate import recalls, summary
from contextprune.training.fit.groups import Group, read_groups
from contextprune.training.fit.loss import batch_loss


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of a run: with the data, all that decides it.

    layers      layers of the pretrained encoder that are kept, in order; () trains on the features alone (the control)
    batch       groups a step, over all processes
    head, body  highest learning rates of the new parts and of the pretrained ones
    minutes     the learning rate falls to nothing at the last step, or when this time is up, whichever is first
    """

    layers: tuple[int, ...] = (0, 1, 2)
    steps: int = 3000
    batch: int = 16
    head: float = 1e-3
    body: float = 1e-4
    decay: float = 0.01
    warmup: float = 0.05
    seed: int = 0
    minutes: float = 1e9
    looks: int = 4  # evaluations, evenly spread
    processes: int = 1


Report = Callable[[str], None]

CHECKPOINT_MINUTES = 4


def train(groups: Path, dev: Path, start: Path, out: Path, recipe: Recipe, report: Report = print) -> dict[str, float]:
    """Train from the BERT folder `start` (or go on from `out`/last) and leave the best weights in `out`.

    Returns the development recalls of the best weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = {"recipe": asdict(recipe), "shape": asdict(shape_of(start, recipe.layers))}
    (out / "about.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    if recipe.processes == 1:
        _run(0, groups, dev, start, out, recipe, report)
    else:
        (out / "meeting").unlink(missing_ok=True)  # a run that was killed leaves it, and nobody would meet there
        isolate_children()
        spawn(_run_process, (groups, dev, start, out, recipe), nprocs=recipe.processes)  # type: ignore[no-untyped-call]
    best: dict[str, float] = json.loads((out / "best.json").read_text(encoding="utf-8"))
    return best


def _run_process(rank: int, groups: Path, dev: Path, start: Path, out: Path, recipe: Recipe) -> None:
    torch.set_num_threads(1)
    meeting_file = (out / "meeting").absolute()
    dist.init_process_group("gloo", init_method=f"file://{meeting_file}", rank=rank, world_size=recipe.processes)
    try:
        _run(rank, groups, dev, start, out, recipe, lambda line: print(line, flush=True))  # noqa: T201
        dist.barrier()  # who leaves first would cut the other off
    finally:
        dist.destroy_process_group()


def _run(rank: int, groups: Path, dev: Path, start: Path, out: Path, recipe: Recipe, report: Report) -> None:
    """Train in process `rank` of `recipe.processes`, from the last checkpoint or the beginning."""
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = initial_model(start, recipe.layers).to(device)
    optimizer = _optimizer(model, recipe)
    step, best, spent = _resume(out, model, optimizer)

    learned = list(read_groups(groups))
    held_out = first_of_each_source(read_groups(dev))[rank :: recipe.processes]
    windows = sum(len(group.lengths) for group in learned)
    report(f"{len(learned)} groups to train on, {windows} windows, {len(held_out)} to judge by")

    # a run that goes on takes up the order of groups where it stopped
    order = _shuffled_forever(len(learned), recipe.seed)
    for _ in range(step * recipe.batch):
        next(order)
    began, average, saved = time.monotonic() - spent, math.nan, time.monotonic()
    evaluations = int(largest_of_all(_progress(step, began, recipe), recipe.processes) * recipe.looks)

    while (progress := largest_of_all(_progress(step, began, recipe), recipe.processes)) < 1:
        if int(progress * recipe.looks) > evaluations:
            evaluations = int(progress * recipe.looks)
            best = _evaluate(rank, model, held_out, device, out, best, step, recipe, report)

        _set_rates(optimizer, recipe, progress)
        batch = [learned[next(order)] for _ in range(recipe.batch)]
        loss = _optimize(rank, model, optimizer, batch, device, step, recipe)
        average = loss if math.isnan(average) else 0.98 * average + 0.02 * loss
        step += 1

        if rank == 0 and step % 25 == 0:
            minutes = (time.monotonic() - began) / 60
            left = minutes / max(progress, 1e-9) * (1 - progress)
            report(f"step {step}/{recipe.steps}  loss {average:.3f}  {minutes:.1f} min, about {left:.0f} to go")
        if rank == 0 and time.monotonic() - saved > 60 * CHECKPOINT_MINUTES:
            saved = time.monotonic()
            _checkpoint(out, model, optimizer, step, best, saved - began)
    _evaluate(rank, model, held_out, device, out, best, step, recipe, report)


def _set_rates(optimizer: torch.optim.Optimizer, recipe: Recipe, progress: float) -> None:
    """Set the learning rates: a linear rise over the warm-up, then a linear fall to nothing at the end."""
    for parameters, highest in zip(optimizer.param_groups, (recipe.body, recipe.body, recipe.head), strict=True):
        parameters["lr"] = highest * min(1.0, progress / recipe.warmup) * (1 - progress)


def _optimize(
    rank: int, model: Model, optimizer: torch.optim.Optimizer, batch: Sequence[Group], device: torch.device, step: int,
    recipe: Recipe,
) -> float:  # fmt: skip
    """Take one step on this process's share of the batch; returns the loss of that share."""
    share = recipe.batch // recipe.processes
    loss = batch_loss(model, batch[rank * share : (rank + 1) * share], device, _rng(recipe.seed, step, rank))
    torch.autograd.backward(loss)
    _average_gradients(model, recipe.processes)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def _progress(step: int, began: float, recipe: Recipe) -> float:
    return max(step / recipe.steps, (time.monotonic() - began) / 60 / recipe.minutes)


def first_of_each_source(groups: Iterable[Group], max_groups: int = 12, max_windows: int = 30) -> list[Group]:
    """Choose the first few groups of each source and kind that are not too long: enough to stop by, and quick."""
    counts: Counter[tuple[str, str]] = Counter()
    chosen = []
    for group in groups:
        if len(group.lengths) <= max_windows and group.label.any():
            counts[group.source, group.kind] += 1
            if counts[group.source, group.kind] <= max_groups:
                chosen.append(group)
    return chosen


def initial_model(start: Path, layers: tuple[int, ...]) -> Model:
    """Build a model from the listed layers of the BERT in the folder `start`, or load the scorer in it as it is."""
    model = Model(shape_of(start, layers))
    tensors = load_file(start / "model.safetensors")
    model.reader.encoder.word.weight.requires_grad_(False)  # rare words must not drift from the common
    if (start / "scorer.json").exists():
        scorer_tensors = {name: tensor.float() for name, tensor in tensors.items() if not name.startswith(PREFIX)}
        model.load_state_dict(scorer_tensors)
        return model
    model.reader.encoder.load_state_dict(from_bert(tensors, model.reader.encoder.shape, list(layers)))
    torch.nn.init.normal_(model.judge.logit.weight, std=0.02)
    torch.nn.init.constant_(model.judge.logit.bias, -2.0)
    return model


def shape_of(start: Path, layers: tuple[int, ...]) -> Shape:
    """Read the sizes of the scorer in a folder, or of the BERT with the listed layers; SettingsError without either."""
    if (start / "scorer.json").exists():
        return Shape(**json.loads((start / "scorer.json").read_text(encoding="utf-8"))["shape"])
    config = json.loads((start / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "bert" or max(layers, default=0) >= config["num_hidden_layers"]:
        raise SettingsError(f"{start} holds no BERT with the layers {layers}: another architecture cannot be trained")
    return Shape(
        config["vocab_size"], config["hidden_size"], config["num_attention_heads"], config["intermediate_size"],
        len(layers), config["max_position_embeddings"], config["layer_norm_eps"],
    )  # fmt: skip


def _optimizer(model: Model, recipe: Recipe) -> torch.optim.AdamW:
    body = [p for p in model.reader.encoder.parameters() if p.requires_grad]
    encoder_ids = {id(p) for p in model.reader.encoder.parameters()}
    head = [p for p in model.parameters() if id(p) not in encoder_ids]
    groups = [
        {"params": [p for p in body if p.dim() > 1], "weight_decay": recipe.decay},
        {"params": [p for p in body if p.dim() < 2], "weight_decay": 0.0},
        {"params": head, "weight_decay": recipe.decay},
    ]
    return torch.optim.AdamW(groups, lr=recipe.head, betas=(0.9, 0.98))


def _rng(*key: int) -> random.Random:
    return random.Random(":".join(map(str, key)))  # noqa: S311 - a reproducible draw, no secret


def _shuffled_forever(count: int, seed: int) -> Iterator[int]:
    """Endless indices, shuffled anew each time round."""
    rng = _rng(seed)
    while True:
        yield from rng.sample(range(count), count)


def largest_of_all(value: float, processes: int) -> float:
    """Take the largest of all processes' values, so that all stop at the same step."""
    if processes == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return float(shared)


def _average_gradients(model: Model, processes: int) -> None:
    if processes == 1:
        return
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters() if p.requires_grad]
    flat = torch.cat([grad.reshape(-1) for grad in grads])
    dist.all_reduce(flat)
    flat /= processes
    at = 0
    for parameter in (p for p in model.parameters() if p.requires_grad):
        parameter.grad = flat[at : (at := at + parameter.numel())].view_as(parameter)


def _evaluate(
    rank: int, model: Model, held_out: Sequence[Group], device: torch.device, out: Path, best: float, step: int,
    recipe: Recipe, report: Report,
) -> float:  # fmt: skip
    """Judge by budgeted recall and keep the weights if they are the best so far; returns the best figure."""
    rows = recalls(held_out, scores_of(model, held_out, device))
    if recipe.processes > 1:
        gathered: list[list[tuple[str, float, float]]] = [[] for _ in range(recipe.processes)]
        dist.all_gather_object(gathered, rows)
        rows = [row for part in gathered for row in part]
    figures = summary(rows)
    figure = figures["mean"]
    if rank == 0:
        report(f"step {step}: " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))
        if not math.isnan(figure) and figure > best:
            save_file({k: v.contiguous() for k, v in model.state_dict().items()}, out / "best.safetensors")
            (out / "best.json").write_text(json.dumps({"step": step, **figures}, indent=1), encoding="utf-8")
    return max(best, figure)


def _checkpoint(out: Path, model: Model, optimizer: torch.optim.AdamW, step: int, best: float, spent: float) -> None:
    """Write the weights and the optimizer's state in one file, which replaces the last one at once."""
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    save_file(tensors, out / "partial", {"step": str(step), "best": str(best), "spent": str(spent)})
    (out / "partial").replace(out / "last.safetensors")


def _resume(out: Path, model: Model, optimizer: torch.optim.AdamW) -> tuple[int, float, float]:
    """Load the last checkpoint, if there is one: (step, best figure, seconds spent)."""
    path = out / "last.safetensors"
    if not path.exists():
        return 0, -1.0, 0.0
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    state = optimizer.state_dict()
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, part = name.split(".", 2)
            state["state"].setdefault(int(index), {})[part] = tensor
    optimizer.load_state_dict(state)
    return int(metadata["step"]), float(metadata["best"]), float(metadata["spent"])
