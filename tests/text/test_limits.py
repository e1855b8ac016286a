from __future__ import annotations

import pytest

from contextprune.text.limits import limits_reached
from tests.growth import assert_linear


def reached(text: str) -> list[str]:
    lines = text.split("\n")
    return [lines[place] for place in sorted(set(limits_reached(lines)))]


@pytest.mark.parametrize(
    "line",
    [
        "render  881/1000 MHz  2.0 GiB/2.0 GiB  300 MiB",  # nomad
        "Heap: 4096 MB of 4096 MB used",  # a JVM's console
        "Memory 15.9G/16G, swap 0B",  # htop
        "tank  quota 498 GB / 500 GB",  # a NAS
    ],
)
def test_a_use_beside_its_limit_is_told(line: str) -> None:
    assert reached(f"a\n{line}\nb") == [line]


@pytest.mark.parametrize(
    "line",
    [
        "shop-1  1/1  Running", "[12/12] linking", "31 MiB/64 MiB", "5 of 5 tests", "0B/0B", "2025/2026", "src/2/2B",
        "9.99GB / 1.2GB",
    ],
)  # fmt: skip
def test_other_pairs_of_numbers_are_no_limit(line: str) -> None:
    assert reached(line) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "curr_connections: 1024\nthreads: 4\nmax_connections: 1024",
            ["curr_connections: 1024", "max_connections: 1024"],
        ),
        ("bytes=67108864\nlimit_maxbytes=67108864\nbytes_read=12", ["bytes=67108864", "limit_maxbytes=67108864"]),
        ('"sessions": 297,\n"sessionsLimit": 300,\n"name": "x"', ['"sessions": 297,', '"sessionsLimit": 300,']),
        ("open_files | 65536\nopen_files_limit | 65536", ["open_files | 65536", "open_files_limit | 65536"]),
    ],
    ids=["stats", "memcached", "oracle", "mysql"],
)
def test_a_key_that_reaches_the_limit_of_another_is_told_with_it(text: str, lines: list[str]) -> None:
    assert reached(f"uptime: 88412\n{text}\nversion: 1.6") == lines


def test_settings_of_the_limit_stay_with_it() -> None:
    text = "heap_in_use: 3.04M\nheap_in_use_peak: 9.1M\nmaxheap: 3.00M\nmaxheap_policy: refuse\nmaxqueue: 9"
    assert reached(text.replace("heap_in_use", "used_heap")) == [
        "used_heap: 3.04M",
        "maxheap: 3.00M",
        "maxheap_policy: refuse",
    ]


def test_a_limit_that_is_far_is_not_told() -> None:
    assert reached("connections: 12\nmax_connections: 100") == []


@pytest.mark.parametrize("unit", ["9", "9B/", "9 of ", "max", "max_a: 9\n", "a: 9\n", '" '])
def test_looking_for_limits_is_linear(unit: str) -> None:
    assert_linear(lambda text: list(limits_reached(text.split("\n"))), lambda size: unit * size, 4_000)
