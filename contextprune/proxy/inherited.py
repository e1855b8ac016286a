"""The inheritance of a proxy from the program that starts it for an agent: a bound socket, and a secret.

On an address that is only picked, another user of the machine may listen first, and be sent the agent's key. So the
socket is bound before its port is named anywhere, and the agent starts once the proxy has proved that it knows the
secret. Both come in one line on standard input: command lines can be read by every user of a machine.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from hashlib import sha256

from contextprune.errors import SettingsError

CHALLENGE, PROOF = "x-contextprune-challenge", "x-contextprune-proof"
"""Headers of a request for `/readyz`, and of its answer."""

_LONGEST = 128  # characters of a challenge


@dataclass(frozen=True, slots=True)
class Inherited:
    """A proxy's inheritance.

    secret  random bytes that the two processes alone know
    fd      the descriptor of the socket; None where the system passes none on: then the proxy binds a free port, and
            names its address in a line on standard output
    """

    secret: bytes = field(repr=False)
    fd: int | None = None

    def line(self) -> bytes:
        """The line that hands it on."""
        return json.dumps({"secret": self.secret.hex(), "fd": self.fd}).encode() + b"\n"


def read_inherited(line: bytes) -> Inherited:
    """The inheritance in a line. Raises SettingsError for any other line."""
    try:
        fields = json.loads(line)
        secret, fd = bytes.fromhex(fields["secret"]), fields["fd"]
    except (ValueError, KeyError, TypeError):
        secret, fd = b"", None
    if not secret or not (fd is None or type(fd) is int):
        raise SettingsError("--inherit is for `contextprune wrap`, which hands on a socket over standard input")
    return Inherited(secret, fd)


def prove(secret: bytes, challenge: bytes, host: str, port: int) -> bytes:
    """The proof that the listener at `host` and `port` knows the secret; b"" where none can be given.

    It holds for that address alone: a listener that passes the challenge on to the proxy itself gets a proof of no use.
    """
    if not secret or not 0 < len(challenge) <= _LONGEST:
        return b""
    return hmac.new(secret, b"%s %s %d" % (challenge, host.encode(), port), sha256).hexdigest().encode()
