"""Bytes sent to a running proxy as they are, for tests of what no HTTP client would send."""

from __future__ import annotations

import socket
import time

from tests.proxy.in_process import Running


def link_to(url: str) -> socket.socket:
    """A connection to what runs at a URL."""
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def talk(proxy: Running, *pieces: bytes, every: float = 0.0) -> bytes:
    """What comes back for bytes that are sent as they are."""
    with link_to(proxy.url) as link:
        for piece in pieces:
            link.sendall(piece)
            time.sleep(every)
        try:
            return link.makefile("rb").read()
        except ConnectionResetError:
            return b"reset"
