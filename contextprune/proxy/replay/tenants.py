"""A store in which each tenant finds only its own texts and notes.

Nothing is kept to tell tenants apart: a key is a hash of the text and of the tenant, so whose it is
is computed anew each time.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise

from contextprune.context import Context, Kind
from contextprune.storage.store import FirstNotes, Notes, Shared, SharedNotes, Store, stored


def _nothing() -> None:
    """Do nothing."""


class Scoped:
    """A store as a single tenant sees it: the same keys for the same tenant, and no text, no note of any other.

    home      the tenant whose notes these are, where that is another tenant: see `Homes`. Texts are always the tenant's
    on_write  called before each write, which may have to wait

    The tenant "" has the keys of the store itself, but even it is given only what is its own. Whoever opens the
    store without a scope (the command line, the MCP server) can read its file anyway, and finds every key.
    """

    def __init__(
        self, store: Store, tenant: str, home: str | None = None, *, on_write: Callable[[], None] = _nothing
    ) -> None:
        self._store, self._tenant, self._on_write = store, tenant, on_write
        self._home = tenant if home is None else home
        self._notes: Notes | None = store if isinstance(store, Notes) else None
        self._shared: Shared | None = store if isinstance(store, Shared) else None

    @property
    def at_home(self) -> Scoped:
        """The same store with the tenant's own notes, whoever began the conversation."""
        return self if self._home == self._tenant else Scoped(self._store, self._tenant, on_write=self._on_write)

    def key(self, text: str) -> str:
        """See `Store`."""
        return self._store.key(f"{self._tenant}\0{text}" if self._tenant else text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`; the room is this tenant's, where the store shares its room."""
        self._on_write()
        if self._shared is None:
            self._store.put(texts)
        else:
            self._shared.put_for(self._tenant, texts)

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        """See `Knowing`; those of other tenants among them: `get` tells."""
        return stored(self._store, keys)

    def get(self, key: str) -> str | None:
        """See `Store`; None, too, where the text is another tenant's that this one has not sent itself: see `prove`."""
        text = self._store.get(key)
        if text is None:
            return None
        is_own = hmac.compare_digest(self.key(text).encode(), key.encode("utf-8", "surrogatepass"))
        return text if is_own or self._is_proven(key) else None

    def prove(self, texts: Iterable[str]) -> None:
        """Note that this tenant itself has sent these texts, so that the home's keys to them are its own as well.

        Their markers name keys of the home's, since what was sent has to be sent again byte for byte.
        """
        home = Scoped(self._store, self._home)
        proofs = {self._proof_of(home.key(text)): b"1" for text in texts}
        if self._notes is not None and self._home != self._tenant:
            self._on_write()
            _note_for(self._notes, self._tenant, proofs)

    def _is_proven(self, key: str) -> bool:
        proof = self._proof_of(key)
        return self._notes is not None and proof in self._notes.noted([proof])

    def _proof_of(self, key: str) -> bytes:
        """The key of the note that this tenant has sent the text that stands under a key."""
        data = key.encode("utf-8", "surrogatepass")
        return blake2b(data, key=self._tenant.encode()[:64], digest_size=16, person=b"proven").digest()

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """See `Notes`; nothing is kept where the store keeps no notes. The room is this tenant's, as of texts."""
        if self._notes is not None:
            self._on_write()
            _note_for(self._notes, self._tenant, {self._named(key): value for key, value in notes.items()})

    def note_first(self, notes: Mapping[bytes, bytes]) -> bool:
        """See `FirstNotes`; where the store does not tell who was first, the last one counts."""
        named = {self._named(key): value for key, value in notes.items()}
        if isinstance(self._notes, SharedNotes):
            self._on_write()
            return self._notes.note_first_for(self._tenant, named)
        if isinstance(self._notes, FirstNotes):
            self._on_write()
            return self._notes.note_first(named)
        self.note(notes)
        return True

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
    """The tenant who began each conversation, for credentials that change while it goes on.

    Access tokens of a login are renewed every few hours. Were decisions lost with the old token, the history would go
    out as the client has it: that is not in the provider's cache, and signed reasoning does not hold for it.
    So a tenant who shows an id that the provider gave to a call of the model, at random, goes on with the decisions
    about that conversation. Texts it is given only where it has sent them itself, as clients do with each request.
    """

    def __init__(self, store: Store, capacity: int = 10_000) -> None:
        self._notes = store if isinstance(store, Notes) else None
        self._capacity = capacity
        self._homes: OrderedDict[bytes, str] = OrderedDict()

    def of(self, context: Context, tenant: str) -> str:
        """The tenant under which decisions about a conversation are noted; `tenant` where it began with it.

        Raises StoreError where that cannot be read or kept.
        """
        proof = _proof(context)
        if proof is None:
            return tenant
        home = self._homes.get(proof)
        if home is None:
            noted = self._notes.noted([proof]).get(proof) if self._notes is not None else None
            home = tenant if noted is None else noted.decode()
            if noted is None and self._notes is not None:
                _note_for(self._notes, tenant, {proof: tenant.encode()})
        self._homes.pop(proof, None)
        self._homes[proof] = home
        while len(self._homes) > self._capacity:
            self._homes.popitem(last=False)
        return home


def _note_for(store: Notes, tenant: str, notes: Mapping[bytes, bytes]) -> None:
    """Keep notes of a tenant, in its room where the store shares that."""
    if isinstance(store, SharedNotes):
        store.note_for(tenant, notes)
    else:
        store.note(notes)


_RANDOM = 16  # characters of a run that may be random: 64 bits where they are hexadecimal digits
_DIFFERENT, _CHANGES = 8, 6  # of them, and changes between small letters, capitals and digits: no counter, no words
_RUN = re.compile(r"[A-Za-z0-9-]{16,}")


def is_random(call_id: str, name: str) -> bool:
    """True for an id of a call that nobody can guess; `name` is that of the tool.

    Providers' ids have a run of 22 random characters or more, or 32 hexadecimal digits. Some servers make ids of the
    tool's name and a counter instead: `functions.bash:0` is the first call of every conversation with Kimi.
    """
    for run in _RUN.findall(call_id.replace(name, "") if name else call_id):
        text = run.replace("-", "")
        kinds = [0 if c.isdigit() else 1 if c.islower() else 2 for c in text]
        changes = sum(before != after for before, after in pairwise(kinds))
        if len(text) >= _RANDOM and len(set(text)) >= _DIFFERENT and changes >= _CHANGES:
            return True
    return False


def _proof(context: Context) -> bytes | None:
    """A hash of the ids of the first calls, which only those know who saw the conversation; None without such ids."""
    proof = blake2b(digest_size=16, person=b"home")
    has_id = False
    for segment in context.segments:
        if has_id and segment.kind is not Kind.TOOL_CALL:
            return proof.digest()
        if segment.kind is Kind.TOOL_CALL and segment.pair and is_random(segment.pair, segment.name or ""):
            proof.update(segment.pair.encode("utf-8", "surrogatepass") + b"\0")
            has_id = True
    return proof.digest() if has_id else None
