"""The training, top to bottom: groups in, the best weights out.

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

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from contextprune.errors import SettingsError
from contextprune.interpreter import isolate_children
from contextprune.scoring.encoder import HEAD_WIDTH, MATCH_SCALARS, Batch, Model, Shape, from_bert, has_bf16
from contextprune.scoring.listwise import PREFIX
from contextprune.training.fit.evaluate import recalls, summary
from contextprune.training.fit.groups import Group, read_groups


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a run.

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

CHECKPOINT = 4  # minutes


def train(groups: Path, dev: Path, start: Path, out: Path, recipe: Recipe, report: Report = print) -> dict[str, float]:
    """Train from the BERT folder `start` (or go on from `out`/last) and leave the best weights in `out`.

    Returns the development recalls of the best weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    about = {"recipe": asdict(recipe), "shape": asdict(shape_of(start, recipe.layers))}
    (out / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    if recipe.processes == 1:
        _run(0, groups, dev, start, out, recipe, report)
    else:
        (out / "meeting").unlink(missing_ok=True)  # a run that was killed leaves it, and nobody would meet there
        isolate_children()
        spawn(_member, (groups, dev, start, out, recipe), nprocs=recipe.processes)  # type: ignore[no-untyped-call]
    best: dict[str, float] = json.loads((out / "best.json").read_text(encoding="utf-8"))
    return best


def _member(rank: int, groups: Path, dev: Path, start: Path, out: Path, recipe: Recipe) -> None:
    torch.set_num_threads(1)
    meeting = (out / "meeting").absolute()
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=recipe.processes)
    try:
        _run(rank, groups, dev, start, out, recipe, lambda line: print(line, flush=True))  # noqa: T201
        dist.barrier()  # who leaves first would cut the other off
    finally:
        dist.destroy_process_group()


def _run(rank: int, groups: Path, dev: Path, start: Path, out: Path, recipe: Recipe, report: Report) -> None:
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = fresh(start, recipe.layers).to(device)
    optimizer = _optimizer(model, recipe)
    step, best, spent = _resume(out, model, optimizer)
    mine = list(read_groups(groups))
    judged = thinned(read_groups(dev))[rank :: recipe.processes]
    report(f"{len(mine)} groups to train on, {sum(len(g.lengths) for g in mine)} windows, {len(judged)} to judge by")
    began, average = time.monotonic() - spent, math.nan
    order = _order(len(mine), recipe.seed)
    share = recipe.batch // recipe.processes
    for _ in range(step * recipe.batch):
        next(order)
    saved = time.monotonic()
    looked = int(_agreed(_done(step, began, recipe), recipe.processes) * recipe.looks)
    while (done := _agreed(_done(step, began, recipe), recipe.processes)) < 1:
        if int(done * recipe.looks) > looked:
            looked = int(done * recipe.looks)
            best = _look(rank, model, judged, device, out, best, step, recipe, report)
        for part, highest in zip(optimizer.param_groups, (recipe.body, recipe.body, recipe.head), strict=True):
            part["lr"] = highest * min(1.0, done / recipe.warmup) * (1 - done)
        drawn = [mine[next(order)] for _ in range(recipe.batch)][rank * share : (rank + 1) * share]
        loss = loss_of(model, drawn, device, _dice(recipe.seed, step, rank))
        torch.autograd.backward(loss)
        _average_gradients(model, recipe.processes)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average = loss.item() if math.isnan(average) else 0.98 * average + 0.02 * loss.item()
        step += 1
        if rank == 0 and step % 25 == 0:
            minutes = (time.monotonic() - began) / 60
            left = minutes / max(done, 1e-9) * (1 - done)
            report(f"step {step}/{recipe.steps}  loss {average:.3f}  {minutes:.1f} min, about {left:.0f} to go")
        if rank == 0 and time.monotonic() - saved > 60 * CHECKPOINT:
            saved = time.monotonic()
            _checkpoint(out, model, optimizer, step, best, saved - began)
    _look(rank, model, judged, device, out, best, step, recipe, report)


def _done(step: int, began: float, recipe: Recipe) -> float:
    return max(step / recipe.steps, (time.monotonic() - began) / 60 / recipe.minutes)


def thinned(groups: Iterable[Group], each: int = 12, windows: int = 30) -> list[Group]:
    """The first few groups of each source and kind that are not too long: enough to stop by, and quick."""
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for group in groups:
        if len(group.lengths) <= windows and group.label.any():
            counts[group.source, group.kind] += 1
            if counts[group.source, group.kind] <= each:
                found.append(group)
    return found


def fresh(start: Path, layers: tuple[int, ...]) -> Model:
    """A model whose encoder has the listed layers of the BERT in the folder `start`, or the scorer in it as it is."""
    model = Model(shape_of(start, layers))
    tensors = load_file(start / "model.safetensors")
    model.reader.encoder.word.weight.requires_grad_(False)  # rare words must not drift from the common
    if (start / "scorer.json").exists():
        own = {name: tensor.float() for name, tensor in tensors.items() if not name.startswith(PREFIX)}
        model.load_state_dict(own)
        return model
    model.reader.encoder.load_state_dict(from_bert(tensors, model.reader.encoder.shape, list(layers)))
    torch.nn.init.normal_(model.judge.logit.weight, std=0.02)
    torch.nn.init.constant_(model.judge.logit.bias, -2.0)
    return model


def shape_of(start: Path, layers: tuple[int, ...]) -> Shape:
    """The sizes of the scorer in a folder, or of the BERT with the listed layers; SettingsError without either."""
    if (start / "scorer.json").exists():
        return Shape(**json.loads((start / "scorer.json").read_text(encoding="utf-8"))["shape"])
    about = json.loads((start / "config.json").read_text(encoding="utf-8"))
    if about.get("model_type") != "bert" or max(layers, default=0) >= about["num_hidden_layers"]:
        raise SettingsError(f"{start} holds no BERT with the layers {layers}: another architecture cannot be trained")
    return Shape(
        about["vocab_size"], about["hidden_size"], about["num_attention_heads"], about["intermediate_size"],
        len(layers), about["max_position_embeddings"], about["layer_norm_eps"],
    )  # fmt: skip


def loss_of(model: Model, groups: Sequence[Group], device: torch.device, dice: random.Random) -> Tensor:
    """Mean over groups of their losses, and a little for the relevance of windows."""
    features = torch.from_numpy(np.concatenate([g.features for g in groups])).float().to(device)
    label = torch.from_numpy(np.concatenate([g.label for g in groups])).float().to(device)
    size = torch.from_numpy(np.concatenate([g.size for g in groups])).float().to(device)
    seen, window = look(model, groups, device)
    score = model.judge(seen, features)
    total = score.new_zeros(())
    at = 0
    for group in groups:
        part = slice(at, at := at + len(group.label))
        total = total + loss_of_group(score[part], label[part], size[part], dice)
    worth = torch.zeros(int(window.max()) + 1, device=device).scatter_reduce(0, window, label, "amax")
    relevance = torch.zeros_like(worth).scatter_reduce(0, window, seen[:, -1], "amax", include_self=False)
    found: Tensor = total / len(groups) + 0.2 * F.binary_cross_entropy_with_logits(relevance, (worth > 0).float())
    return found


def loss_of_group(score: Tensor, label: Tensor, size: Tensor, dice: random.Random) -> Tensor:
    """The loss of the spans of one sample: [S] logits, labels 0..1 and characters -> a scalar.

    Cross-entropy makes probabilities, the listwise term ranks within the sample, and the budgeted term looks only at
    what would fall out at a budget: needed spans that score below the one that just fits pay, the others do not.
    """
    weight = 1 + 3 * label  # needed spans are few
    loss = F.binary_cross_entropy_with_logits(score, label, weight)
    if label.any():
        share = label / label.sum()
        loss = loss - 0.5 * (share * F.log_softmax(score, 0)).sum()
        loss = loss + 0.5 * _beyond(score, share, size, dice.uniform(0.05, 0.5))
    return loss


def _beyond(score: Tensor, share: Tensor, size: Tensor, budget: float) -> Tensor:
    """How far needed spans lie below the score of the last span that fits into `budget` of the characters."""
    order = score.detach().argsort(descending=True)
    fits = int((size[order].cumsum(0) <= budget * size.sum()).sum())
    bar = score.detach()[order[min(fits, len(order) - 1)]]
    return (share * F.softplus(bar - score + 0.5)).sum()


def look(model: Model, groups: Sequence[Group], device: torch.device, most: int = 6) -> tuple[Tensor, Tensor]:
    """What the reader sees of all spans [S, HEAD_WIDTH + MATCH_SCALARS], and the index of each one's window [S].

    Windows of like length go together, so that little is padded.
    """
    windows = list(windows_of(groups))
    where = torch.from_numpy(np.concatenate([np.full(len(w[2]), k) for k, w in enumerate(windows)]))
    if not model.reader.encoder.layers:
        return torch.zeros(len(where), HEAD_WIDTH + MATCH_SCALARS, device=device), where.to(device)
    order = sorted(range(len(windows)), key=lambda k: len(windows[k][0]))
    most = most if device.type == "cpu" else 10_000
    parts, places = [], []
    for at in range(0, len(order), most):
        chosen = order[at : at + most]
        batch = batch_of([windows[k] for k in chosen]).to(device)
        bf16 = device.type == "cuda" or has_bf16()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            parts.append(model.reader(batch))
        places += [windows[k][3] for k in chosen]
    back = torch.from_numpy(np.concatenate(places).argsort()).to(device)
    return torch.cat(parts)[back], where.to(device)


WindowArrays = tuple[np.ndarray, int, np.ndarray, np.ndarray]


def windows_of(groups: Sequence[Group]) -> Iterator[WindowArrays]:
    """(ids, tokens of the goal, [(first, last)] of its spans, their positions among all spans) of every window."""
    before = 0
    for group in groups:
        ends = np.cumsum(group.lengths.astype(int))
        for w, end in enumerate(ends):
            inside = np.flatnonzero(group.window == w)
            ids = group.ids[end - group.lengths[w] : end].astype(np.int64)
            marks = np.stack((group.first[inside], group.last[inside]), 1)
            yield ids, int(group.goals[w]), marks, inside + before
        before += len(group.label)


def batch_of(windows: Sequence[WindowArrays]) -> Batch:
    """Windows padded to the longest of them."""
    longest = max(len(ids) for ids, *_ in windows)
    spans = sum(len(marks) for _, _, marks, _ in windows)
    ids = np.zeros((len(windows), longest), np.int64)
    owner = np.full((len(windows), longest), spans)
    goal = np.zeros((len(windows), longest), bool)
    window: list[int] = []
    for row, (tokens, asked, marks, _) in enumerate(windows):
        ids[row, : len(tokens)] = tokens
        goal[row, 1 : 1 + asked] = True
        for first, last in marks:
            owner[row, first:last] = len(window)
            window.append(row)
    lengths = torch.tensor([len(tokens) for tokens, *_ in windows])
    tensors = (torch.from_numpy(ids), lengths, torch.from_numpy(owner), torch.from_numpy(goal), torch.tensor(window))
    return Batch(*tensors)


def _optimizer(model: Model, recipe: Recipe) -> torch.optim.AdamW:
    body = [p for p in model.reader.encoder.parameters() if p.requires_grad]
    inside = {id(p) for p in model.reader.encoder.parameters()}
    head = [p for p in model.parameters() if id(p) not in inside]
    groups = [
        {"params": [p for p in body if p.dim() > 1], "weight_decay": recipe.decay},
        {"params": [p for p in body if p.dim() < 2], "weight_decay": 0.0},
        {"params": head, "weight_decay": recipe.decay},
    ]
    return torch.optim.AdamW(groups, lr=recipe.head, betas=(0.9, 0.98))


def _dice(*key: int) -> random.Random:
    return random.Random(":".join(map(str, key)))  # noqa: S311 - a reproducible draw, no secret


def _order(count: int, seed: int) -> Iterator[int]:
    """Indices without end, shuffled anew each time round."""
    dice = _dice(seed)
    while True:
        yield from dice.sample(range(count), count)


def _agreed(value: float, processes: int) -> float:
    """The largest of all processes' values: all stop at the same step."""
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


@torch.inference_mode()
def scores_of(model: Model, groups: Sequence[Group], device: torch.device) -> list[np.ndarray]:
    """Logits of every group's spans."""
    model.eval()
    found = []
    for group in groups:
        seen, _ = look(model, [group], device)
        features = torch.from_numpy(group.features).float().to(device)
        found.append(model.judge(seen, features).cpu().numpy())
    model.train()
    return found


def _look(
    rank: int, model: Model, judged: Sequence[Group], device: torch.device, out: Path, best: float, step: int,
    recipe: Recipe, report: Report,
) -> float:  # fmt: skip
    """Head by budgeted recall; keep the weights if they are the best so far. Returns the best figure."""
    rows = recalls(judged, scores_of(model, judged, device))
    if recipe.processes > 1:
        everything: list[list[tuple[str, float, float]]] = [[] for _ in range(recipe.processes)]
        dist.all_gather_object(everything, rows)
        rows = [row for part in everything for row in part]
    figures = summary(rows)
    figure = figures["mean"]
    if rank == 0:
        report(f"step {step}: " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))
        if not math.isnan(figure) and figure > best:
            save_file({k: v.contiguous() for k, v in model.state_dict().items()}, out / "best.safetensors")
            (out / "best.json").write_text(json.dumps({"step": step, **figures}, indent=1), encoding="utf-8")
    return max(best, figure)


def _checkpoint(out: Path, model: Model, optimizer: torch.optim.AdamW, step: int, best: float, spent: float) -> None:
    """All that going on needs, in one file that replaces the last one at once."""
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    save_file(tensors, out / "partial", {"step": str(step), "best": str(best), "spent": str(spent)})
    (out / "partial").replace(out / "last.safetensors")


def _resume(out: Path, model: Model, optimizer: torch.optim.AdamW) -> tuple[int, float, float]:
    """(step, best figure, seconds spent) of the last checkpoint, loaded; or the beginning."""
    path = out / "last.safetensors"
    if not path.exists():
        return 0, -1.0, 0.0
    with safe_open(path, "pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    state = optimizer.state_dict()
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, part = name.split(".", 2)
            state["state"].setdefault(int(index), {})[part] = tensor
    optimizer.load_state_dict(state)
    return int(about["step"]), float(about["best"]), float(about["spent"])
