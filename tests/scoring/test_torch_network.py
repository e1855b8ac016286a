from __future__ import annotations

import numpy as np
import pytest
import torch

from contextprune.errors import ScorerError
from contextprune.scoring.features import features
from contextprune.scoring.network import Network
from contextprune.scoring.network_inputs import Inputs, inputs_of
from contextprune.scoring.network_weights import KERNEL, ROUNDS, WIDTH
from contextprune.scoring.torch_network import Depthwise, OnGpu, TorchNetwork, packed
from contextprune.training.network.fast_wordpiece import FastWordPiece
from tests.scoring.contexts import documents, trace, with_spans
from tests.scoring.folders import WORDS, tokenizer

GAP_PIECE = 200


def inputs(number: int) -> Inputs:
    context, spans = with_spans(
        (trace(), documents("One order failed."), documents("a b\n" * 90, "x. y. z. " * 20))[number]
    )
    return inputs_of(
        context, spans, range(len(spans)), features(context, spans), FastWordPiece(tokenizer()).encode, GAP_PIECE
    )


def network() -> TorchNetwork:
    torch.manual_seed(1)
    made = TorchNetwork(GAP_PIECE + 1).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        made.table.weight[GAP_PIECE] = 0
    return made


def test_what_is_packed_beside_a_context_does_not_change_its_logits() -> None:
    scorer = network()
    contexts = [inputs(number) for number in range(3)]
    with torch.no_grad():
        together = scorer(packed(contexts))
        alone = torch.cat([scorer(packed([context])) for context in contexts], 1)
    assert together.shape == (ROUNDS + 1, sum(len(context.blocks) for context in contexts))
    assert torch.allclose(together, alone, atol=1e-4)


def test_the_goal_and_the_neighbours_change_the_logits() -> None:
    scorer = network()
    context = inputs(0)
    with torch.no_grad():
        before = scorer(packed([context]))[-1]
        context.ids[context.starts[0]] = WORDS.index("payment")
        assert not torch.allclose(before, scorer(packed([context]))[-1], atol=1e-4)


def test_the_convolution_is_the_one_of_torch_with_its_gradients() -> None:
    torch.manual_seed(0)
    x = torch.randn(30, WIDTH, requires_grad=True)
    weight = torch.randn(KERNEL, WIDTH, requires_grad=True)
    expected = torch.nn.functional.conv1d(x.t()[None], weight.t()[:, None], padding=KERNEL // 2, groups=WIDTH)[0].t()
    factor = torch.randn_like(expected)
    of_torch = torch.autograd.grad((expected * factor).sum(), (x, weight))

    convolved = Depthwise.apply(x, weight)  # type: ignore[no-untyped-call]
    assert torch.allclose(convolved, expected, atol=1e-5)
    ours = torch.autograd.grad((convolved * factor).sum(), (x, weight))
    assert all(torch.allclose(mine, theirs, atol=1e-4) for mine, theirs in zip(ours, of_torch, strict=True))


def test_on_a_device_the_logits_are_those_of_numpy() -> None:
    weights = {name: tensor.numpy() for name, tensor in network().state_dict().items()}
    on_device, in_numpy = OnGpu(weights, torch.device("cpu")), Network(weights)
    assert on_device.gap == in_numpy.gap == GAP_PIECE
    assert on_device.runs_on == "cpu, fp32"
    for number in range(3):
        assert np.abs(on_device(inputs(number)) - in_numpy(inputs(number))).max() < 1e-4


def test_a_gpu_that_is_not_there_is_said() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    weights = {name: tensor.numpy() for name, tensor in network().state_dict().items()}
    assert OnGpu.on(weights, "auto") is None
    with pytest.raises(ScorerError, match="torch sees none here"):
        OnGpu.on(weights, "cuda")
