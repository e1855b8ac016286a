"""Aligned tables of many tools: which rows stand under which header."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given

from contextprune.splitting import cut
from contextprune.splitting.columns import headed_rows, is_rule
from contextprune.splitting.sniff import Shape, parts
from tests.growth import assert_linear
from tests.splitting.tiling import SILLY, SIZE, nasty, pieces

NODES = """\
NAME       STATUS                     ROLES           AGE    VERSION
node-a     Ready                      control-plane   41d    v1.31.2
node-b     NotReady,SchedulingDisabled   <none>       41d    v1.31.2
node-c     Ready                      <none>          3h2m   v1.30.9
"""
IMAGES = """\
REPOSITORY     TAG       IMAGE ID       CREATED        SIZE
shop           1.4       0f3c4a5b6c7d   2 hours ago    181MB
<none>         <none>    9a8b7c6d5e4f   3 weeks ago    1.2GB
"""
DISKS = """\
Filesystem      Size  Used Avail Use% Mounted on
/dev/nvme0n1p2   98G   94G     0 100% /
tmpfs           3.9G     0  3.9G   0% /dev/shm
"""
PROCESSES = """\
  PID TTY      STAT   TIME COMMAND
    1 ?        Ss     0:02 /sbin/init
 1123 ?        R     55:12 php-fpm: pool www
"""
MEMORY = """\
               total        used        free      shared  buff/cache   available
Mem:         8124028     6912340      201220       12012     1010468      921232
Swap:        2097148     2097148           0           0           0           0
"""
PSQL = """\
 id | customer | total
----+----------+-------
  1 | Ruiz     | 31.90
  2 | Okoro    |
  3 | Ito      |  8.00
(3 rows)
"""
MYSQL = "+----+------+\n| id | name |\n+----+------+\n|  1 | ann  |\n|  2 | bob  |\n+----+------+\n"
SQLITE_BOX = "┌────┬──────┐\n│ id │ name │\n├────┼──────┤\n│ 1  │ ann  │\n│ 2  │ bob  │\n└────┴──────┘\n"
PIP = "Package    Version\n---------- -------\nattrs      23.1\nblack      24.2\n"
COVERAGE = """\
Name            Stmts   Miss  Cover   Missing
---------------------------------------------
shop/pay.py        40     12    70%   3-12, 40
shop/tax.py        20      0   100%
---------------------------------------------
TOTAL              60     12    80%
"""
AZURE = (
    "Name     ResourceGroup    Location\n-------  ---------------  ----------\nshop-vm  shop             westeurope\n"
)
POWERSHELL = """\
Handles  NPM(K)    PM(K)      WS(K)     CPU(s)     Id  SI ProcessName
-------  ------    -----      -----     ------     --  -- -----------
    512      28    45012      61200      12.31   4312   1 Code
    190      12     3012       9800       0.10    880   1 conhost
"""
SOCKETS = """\
Proto Recv-Q Send-Q Local Address           Foreign Address         State
tcp        0      0 0.0.0.0:5432            0.0.0.0:*               LISTEN
tcp        0    312 10.0.0.7:443            10.0.0.9:51812          ESTABLISHED
"""
RESULTS = {
    "kubectl get nodes": (NODES, "node-c"),
    "docker images": (IMAGES, "1.2GB"),
    "df -h": (DISKS, "/dev/shm"),
    "ps ax": (PROCESSES, "php-fpm"),
    "free": (MEMORY, "Swap"),
    "psql": (PSQL, "Ito"),
    "mysql": (MYSQL, "bob"),
    "sqlite3 -box": (SQLITE_BOX, "bob"),
    "pip list": (PIP, "black"),
    "coverage report": (COVERAGE, "tax.py"),
    "az vm list": (AZURE, "westeurope"),
    "Get-Process": (POWERSHELL, "conhost"),
    "netstat -tn": (SOCKETS, "ESTABLISHED"),
}
HEADERS = {"mysql": 1, "sqlite3 -box": 1}


@pytest.mark.parametrize("tool", RESULTS)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("Connected.\n\n", "\nBye.\n"), ("$ show\n", "$ exit\n")])
def test_a_row_needs_its_header(tool: str, before: str, after: str) -> None:
    table, needle = RESULTS[tool]
    text = before + table + after
    cuts = cut(text)
    spans = pieces(text, cuts)
    row = next(i for i, span in enumerate(spans) if needle in span)
    header = table.split("\n")[HEADERS.get(tool, 0)]
    assert any(header in spans[anchor] for anchor in cuts[row].anchors)


@pytest.mark.parametrize("tool", RESULTS)
def test_rows_with_consecutive_ids_are_no_file_with_line_numbers(tool: str) -> None:
    assert not {Shape.NUMBERED, Shape.PROSE, Shape.CODE} & {part.shape for part in parts(RESULTS[tool][0])}


@pytest.mark.parametrize(
    "text",
    [
        "Options:\n  -h, --help     show this message and exit\n  -v, --verbose  say more about it\n",
        "The  committee met on Monday to talk\nabout the new harbour, which had been\npromised for years.\n",
        "x = 1     # one\ny  = 22   # two\nzz = 333  # three\n",
        "INFO  start   of the thing\nINFO  stop    of the thing\nWARN  slow    of the thing\n",
        "Section\n-------\nIts text goes on here.\n",
    ],
)
def test_lines_with_gaps_are_no_table(text: str) -> None:
    assert headed_rows(text.split("\n")) == {}


def test_a_table_in_a_file_with_line_numbers_is_a_file() -> None:
    text = "".join(f"{n:6}\t{line}\n" for n, line in enumerate(NODES.splitlines(), 1))
    assert [part.shape for part in parts(text)] == [Shape.NUMBERED]


def test_colours_do_not_shift_columns() -> None:
    coloured = NODES.replace("NotReady", "\x1b[31mNotReady\x1b[0m").replace("Ready  ", "\x1b[32mReady\x1b[0m  ")
    assert headed_rows(coloured.split("\n")) == headed_rows(NODES.split("\n"))


def test_a_rule_is_made_of_dashes() -> None:
    assert is_rule("+----+-----+")
    assert is_rule("╞════╪═════╡")
    assert not is_rule("--help")
    assert not is_rule("|  |  |")


@given(nasty())
def test_headers_stand_above_their_rows(text: str) -> None:
    lines = text.split("\n")
    assert all(0 <= header < row < len(lines) for row, header in headed_rows(lines).items())


def _repeated(unit: str, size: int) -> list[str]:
    return (unit * (size // len(unit))).split("\n")


def test_silly_tables_take_linear_time() -> None:
    for unit in (*SILLY, "A  B  C\n", "A  B  C\n---\n", "----\n", "a | b\n", "-", "- ", "A  "):
        assert_linear(headed_rows, partial(_repeated, unit), SIZE)
