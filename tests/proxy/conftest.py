"""What most tests of the proxy begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proxy.in_process import Running, edits, running
from tests.proxy.provider import Provider, providing


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as found:
        yield found


@pytest.fixture(scope="module")
def editing(provider: Provider) -> Iterator[Running]:
    """A proxy that takes `long ` out of everything."""
    with running(provider, edits(b"long ", b"")) as proxy:
        yield proxy
