"""Text that stays whole or goes: base64 in its forms, keys, minified code."""

from __future__ import annotations

import base64
import json
from random import Random

import pytest

from contextprune.splitting import cut
from contextprune.splitting.opaque import block_length, is_minified
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, pieces

BYTES = Random(7).randbytes(3000)
BASE64 = base64.b64encode(BYTES).decode()
MIME = base64.encodebytes(BYTES).decode()
XXD = "\n".join(BYTES[at : at + 30].hex() for at in range(0, 900, 30)) + "\n"
PEM = f"-----BEGIN CERTIFICATE-----\n{MIME[:770]}-----END CERTIFICATE-----\n"
MINIFIED = 'function a(b){return b.c?d(b.c):e("x",b)}var f=a({g:1});' * 80
CSS = ".a{color:red;margin:0}.b>.c{padding:0 1px;display:flex}" * 60


@pytest.mark.parametrize(
    ("before", "opaque", "after"),
    [
        pytest.param("icon.png -> ", f"data:image/png;base64,{BASE64}", "\n", id="a data URI"),
        pytest.param("$ openssl base64 -in key\n", MIME, "done\n", id="base64 in lines"),
        pytest.param("$ cat server.crt\n", PEM, "$ ls\n", id="PEM"),
        pytest.param("$ xxd -p firmware.bin\n", XXD, "$ ls\n", id="hexadecimal in lines"),
        pytest.param("GET /app.js\n", MINIFIED + "\n", "200 OK\n", id="minified JavaScript"),
        pytest.param("GET /app.css\n", CSS + "\n", "200 OK\n", id="minified CSS"),
        pytest.param("sha of a blob: ", BASE64.encode().hex(), " (hex)\n", id="hexadecimal on one line"),
        pytest.param('{"name": "logo.png", "data": "', BASE64, '", "size": 3000}', id="base64 in JSON"),
    ],
)
def test_it_is_one_span_or_within_one(before: str, opaque: str, after: str) -> None:
    text = before + opaque + after
    cuts = cut(text)
    assert_tiles(text, cuts)
    assert not any(len(before) < each.start < len(before) + len(opaque) - 1 for each in cuts)


@pytest.mark.parametrize("length", [40, 64, 128])
def test_a_list_of_digests_is_a_list(length: int) -> None:
    text = "".join(f"{BYTES[at : at + length // 2].hex()}\n" for at in range(0, 1280, length // 2))
    assert len(pieces(text, cut(text))) == text.count("\n")


def test_a_torn_object_is_not_minified_code() -> None:
    rows = json.dumps([{"id": n, "name": f"row {n}"} for n in range(200)], separators=(",", ":"))
    assert not is_minified(rows[:-10])


def test_a_long_line_of_words_is_not_minified_code() -> None:
    assert not is_minified("level=info msg=started; took=3ms (cold) " * 50)


def test_a_key_without_an_end_is_no_block() -> None:
    assert block_length(["-----BEGIN RSA PRIVATE KEY-----", "abc", "def"], 0) == 0


def test_silly_blocks_are_cut_in_linear_time() -> None:
    assert_linear_cuts(cut, "-----BEGIN A-----\n", "Aa1+" * 16 + "\n", "ab" * 30 + "\n", "Aa1+" * 16 + "\nx\n")
