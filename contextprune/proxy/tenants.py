"""Who a request belongs to, told by its credential, and a store in which each tenant finds only what is its own.

Nothing is kept to tell tenants apart: a key is a hash of the text and of the tenant, so whether it belongs to the
one who asks is computed anew each time.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from contextprune.context import Context, Kind
from contextprune.storage.store import Notes, Store

CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""The headers that say who pays for a request."""


def fingerprint(headers: Iterable[tuple[bytes, bytes]], secret: bytes = b"") -> str:
    """The tenant of a request: 32 hexadecimal digits, "" where it carries no credential.

    headers   names in lower case, and values, as ASGI has them
    secret    at most 64 bytes that make the fingerprint useless to whoever sees it

    Only credentials count, never a name that a client may choose. All of them count: a request that shows another
    tenant's key beside one of its own is neither tenant.
    """
    given = sorted(
        (name, value.strip())
        for name, value in headers
        if name in CREDENTIALS and value.strip().lower() not in (b"", b"bearer", b"basic")
    )
    if not given:
        return ""
    hashed = blake2b(key=secret, digest_size=16, person=b"contextprune")
    for name, value in given:
        hashed.update(b"%b\0%d\0%b" % (name, len(value), value))
    return hashed.hexdigest()


class Scoped:
    """A store as one tenant sees it: the same keys for the same tenant, and no text, no note of any other.

    home   the tenant whose notes these are, where that is another one: see `Homes`. Texts are always the tenant's own

    The tenant "" has the keys of the store itself, but even it is given only what is its own. Whoever opens the
    store without a scope (the command line, the MCP server) can read its file anyway, and finds every key.
    """

    def __init__(self, store: Store, tenant: str, home: str | None = None) -> None:
        self._store, self._tenant = store, tenant
        self._home = tenant if home is None else home
        self._notes = store if isinstance(store, Notes) else None

    @property
    def own(self) -> Scoped:
        """The same with the tenant's own notes."""
        return self if self._home == self._tenant else Scoped(self._store, self._tenant)

    def key(self, text: str) -> str:
        """See `Store`."""
        return self._store.key(f"{self._tenant}\0{text}" if self._tenant else text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`."""
        self._store.put(texts)

    def get(self, key: str) -> str | None:
        """See `Store`; None, too, where the text is another tenant's."""
        text = self._store.get(key)
        if text is None or not hmac.compare_digest(self.key(text).encode(), key.encode("utf-8", "surrogatepass")):
            return None
        return text

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """See `Notes`; nothing is kept where the store keeps no notes."""
        if self._notes is not None:
            self._notes.note({self._named(key): value for key, value in notes.items()})

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `Notes`."""
        if self._notes is None:
            return {}
        named = {self._named(key): key for key in keys}
        return {named[key]: value for key, value in self._notes.noted(list(named)).items()}

    def _named(self, key: bytes) -> bytes:
        """The key of a note within its tenant."""
        return blake2b(key, key=self._home.encode()[:64], digest_size=16).digest() if self._home else key


class Homes:
    """Which tenant began a conversation, for credentials that change while it goes on.

    Access tokens of a login are renewed every few hours. Were what was decided lost with the old one, the history would
    go out as the client has it: that is not in the provider's cache, and signed reasoning does not hold for it.
    So whoever shows an id that the provider gave to a call of the model, at random, goes on with the decisions about
    that conversation. It is given no text for that: what is decided is decided about texts that it sends itself.
    """

    def __init__(self, store: Store, most: int = 10_000) -> None:
        self._notes = store if isinstance(store, Notes) else None
        self._most = most
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def of(self, context: Context, tenant: str) -> str:
        """The tenant under which decisions about a conversation are noted; `tenant` where it began with it.

        Raises StoreError where that cannot be read or kept.
        """
        proof = _proof(context)
        if proof is None:
            return tenant
        home = self._known.get(proof)
        if home is None:
            noted = self._notes.noted([proof]).get(proof) if self._notes is not None else None
            home = tenant if noted is None else noted.decode()
            if noted is None and self._notes is not None:
                self._notes.note({proof: tenant.encode()})
        self._known.pop(proof, None)
        self._known[proof] = home
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return home


_RANDOM = 16  # characters of an id that is no mere number: providers use 24 and more


def _proof(context: Context) -> bytes | None:
    """What only those know who saw a conversation: the ids of its first calls. None where there are no such ids."""
    proof = blake2b(digest_size=16, person=b"home")
    found = False
    for segment in context.segments:
        if found and segment.kind is not Kind.TOOL_CALL:
            return proof.digest()
        if segment.kind is Kind.TOOL_CALL and segment.pair and len(segment.pair) >= _RANDOM:
            proof.update(segment.pair.encode("utf-8", "surrogatepass") + b"\0")
            found = True
    return proof.digest() if found else None
