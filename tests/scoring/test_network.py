from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contextprune.scoring.blas import find_blas
from contextprune.scoring.network import ROWS, STRETCH, Network
from contextprune.scoring.network_inputs import HEADER, Inputs
from contextprune.scoring.torch_network import TorchNetwork, packed
from tests.growth import assert_linear
from tests.scoring.folders import random_network
from tests.scoring.network_samples import PIECES, random_inputs

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def twin() -> TorchNetwork:
    return random_network(PIECES + 1)


@pytest.fixture(scope="module")
def network(twin: TorchNetwork) -> Network:
    return Network({name: tensor.numpy() for name, tensor in twin.state_dict().items()})


def in_torch(twin: TorchNetwork, inputs: Inputs) -> Any:
    with torch.inference_mode():
        return twin(packed([inputs]))[-1].numpy()


@pytest.mark.parametrize(
    ("spans", "blocks", "longest"),
    [(1, 1, 1), (1, 1, 96), (2, 1, 3), (2, 2, 40), (9, 1, 5), (20, 7, 12), (64, 64, 2), (65, 1, 3), (ROWS, 3, 8),
     (ROWS + 1, 2, 8), (ROWS + 9, ROWS + 9, 2), (2 * STRETCH, 2, 1), (3000, 40, 24)],
)  # fmt: skip
def test_logits_are_those_of_the_twin(
    twin: TorchNetwork, network: Network, spans: int, blocks: int, longest: int
) -> None:
    inputs = random_inputs(spans, blocks, longest)
    assert np.abs(network(inputs) - in_torch(twin, inputs)).max() < 1e-4


def test_no_span_has_no_logit(network: Network) -> None:
    inputs = random_inputs(1, 1, 3)
    none = Inputs(
        inputs.ids, inputs.starts[:HEADER], inputs.ends[:HEADER], inputs.kinds[:HEADER], inputs.blocks[:0],
        inputs.features[:0],
    )  # fmt: skip
    assert network(none).shape == (0,)


def test_logits_are_the_same_bits_with_any_number_of_threads_of_blas(network: Network) -> None:
    blas = find_blas()
    if blas is None:
        pytest.skip("NumPy has no OpenBLAS here")
    inputs, before = random_inputs(2000, 9, 12), blas.get_threads()
    expected = network(inputs)
    try:
        for count in (1, 2, 5):
            blas.set_threads(count)
            assert np.array_equal(network(inputs), expected)
            assert blas.get_threads() == count
    finally:
        blas.set_threads(before)


def test_logits_are_the_same_bits_in_a_process_of_one_thread(network: Network, tmp_path: Path) -> None:
    inputs = random_inputs(2000, 9, 12)
    (tmp_path / "given").write_bytes(pickle.dumps((network, inputs)))
    code = (
        "import pickle, sys; network, inputs = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from contextprune.scoring.threads import threads\n"
        "assert threads().count == 1; sys.stdout.buffer.write(network(inputs).tobytes())"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "given")]
    one = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env=one, capture_output=True, check=True)
    assert done.stdout == network(inputs).tobytes()


def test_logits_are_the_same_bits_beside_those_of_other_threads(network: Network) -> None:
    inputs = [random_inputs(300 + 400 * number, 5, 12, number) for number in range(6)]
    expected = [network(each) for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        for each, logits in zip(expected, pool.map(network, inputs), strict=True):
            assert np.array_equal(each, logits)


def test_inputs_are_not_changed(network: Network) -> None:
    inputs, same = random_inputs(100, 5, 12), random_inputs(100, 5, 12)
    network(inputs)
    assert all(np.array_equal(getattr(inputs, name), getattr(same, name)) for name in Inputs.__slots__)


def test_the_time_is_linear_in_the_pieces(network: Network) -> None:
    assert_linear(network, lambda size: random_inputs(size, 1 + size // 50, 12), 1000)


_PEAK = """
import resource, sys
from tests.scoring.folders import random_network
from tests.scoring.network_samples import PIECES, random_inputs
from contextprune.scoring.network import Network
network = Network({name: tensor.numpy() for name, tensor in random_network(PIECES + 1).state_dict().items()})
inputs = random_inputs(50_000, 3, 1)
network(random_inputs(2_000, 3, 1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(network(inputs)) == 50_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss are known on Linux")
def test_memory_for_fifty_thousand_spans_of_a_piece_is_bounded() -> None:
    """A row of 128 numbers a span, and a few times that: 25 MB of rows."""
    command = [sys.executable, "-W", "ignore", "-c", _PEAK]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 150 * MEGABYTE


def test_numbers_that_are_too_large_end_no_call(network: Network) -> None:
    inputs = random_inputs(50, 3, 12)
    inputs.features[:] = 1e30
    assert len(network(inputs)) == 50


_FORKS = """
import os, sys
from tests.scoring.folders import random_network
from tests.scoring.network_samples import PIECES, random_inputs
from contextprune.scoring.network import Network
network = Network({name: tensor.numpy() for name, tensor in random_network(PIECES + 1).state_dict().items()})
inputs = random_inputs(2000, 9, 12)
before = network(inputs).tobytes()
child = os.fork()
if child == 0:
    os._exit(0 if network(inputs).tobytes() == before else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_computes_the_same_and_does_not_hang() -> None:
    command = [sys.executable, "-W", "ignore", "-c", _FORKS]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], timeout=120, check=False).returncode == 0
