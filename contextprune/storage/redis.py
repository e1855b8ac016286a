"""Originals and notes on a Redis, for proxies on several hosts: what one of them put, all of them find.

A Redis that is down, slow or full must cost next to nothing, so nothing is tried twice, and after a failure nothing is
asked for a while. Values are named, packed and checked as in the other stores, with a secret that the Redis keeps.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from contextprune.errors import MissingExtra, SettingsError, StoreError
from contextprune.storage.codec import as_bytes, checksum, key_of, opened, packed, tenant_id, unpacked

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as exc:
    raise MissingExtra("a store on Redis", extra="redis") from exc

from contextprune.storage.redis_notes import NoteRoom  # needs it, too
from contextprune.storage.redis_pause import Pause, Paused
from contextprune.storage.redis_shares import Holdings

_LOG = logging.getLogger("contextprune.redis_store")

_SECRET = "contextprune:secret"  # noqa: S105 - the name of a key
_NOTE = "contextprune:n:"
CHUNK = 1 << 20  # bytes of one value: while it sends a larger one, a Redis serves nobody else
MOST_CHUNKS = 64
_AT_ONCE = 500  # keys in one command
_PROBE_SECONDS = 0.05
_REMEMBERED = 20_000  # keys whose time was renewed


class RedisStore:
    """See `Store` and `Notes`. Thread-safe; connects at the first use, which checks the Redis, too.

    url              redis://[[user]:password@]host[:port][/database], or rediss://... for TLS
    max_age_seconds  how long a text or a note is kept after its last use
    seconds          the longest wait for a connection, and for an answer
    max_note_bytes   room for notes, which tenants share, `OVERHEAD` for each counted; a quarter of what the Redis may
                     use at most

    Every method raises StoreError where the Redis does not answer or refuses, and where it is set up to evict keys.
    """

    def __init__(
        self,
        url: str,
        max_age_seconds: float = 30 * 86_400.0,
        seconds: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
        max_note_bytes: int = 256 << 20,
    ) -> None:
        self._url, self._seconds = url, seconds
        self._max_note_bytes = self._note_room = max_note_bytes
        self.location = _location(url)
        self._max_age = max(1, int(max_age_seconds))
        self._client = _client(url, seconds)
        self._probe = _client(url, min(seconds, _PROBE_SECONDS))
        self._clock, self._pause = clock, Pause(clock)
        self._holdings = Holdings(self.location, self._max_age, _names_of_size)
        self._notes = NoteRoom(self.location, self._max_age, _names_of_note)
        self._lock = threading.Lock()
        self._secret: bytes | None = None
        self._renewed: OrderedDict[str, float] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        """By the address: the Redis is there for every process. It holds the password."""
        return RedisStore, (self._url, self._max_age, self._seconds, time.monotonic, self._max_note_bytes)

    def key(self, text: str) -> str:
        """See `Store`. The first call asks the Redis for its secret."""
        return key_of(self._own_secret(), text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`. A text that is already there only counts as used again. The texts are nobody's."""
        self.put_for("", texts)

    def put_for(self, tenant: str, texts: Mapping[str, str]) -> None:
        """See `Shared`."""
        if not texts:
            return
        secret = self._own_secret()
        values = {f"contextprune:o:{key}": _sealed(secret, key, as_bytes(text)) for key, text in texts.items()}
        parts = {name: _parted(name, value) for name, value in values.items()}
        with self._connected() as client:
            asking = client.pipeline(transaction=False)
            asking.get(_SECRET)
            for name in values:
                asking.getrange(name, 2, 17)
            present, *digests = asking.execute()
            self._check(client, present, secret)

            there = {name: digest for name, digest in zip(values, digests, strict=True) if digest}
            for name, digest in there.items():
                if digest != values[name][:16]:
                    raise StoreError(f"the key {name.rpartition(':')[2]!r} already stands for another text")
            kept = self._renew(client, [part for name in there for part in parts[name]])
            lost = [name for name in values if name not in there or not kept.issuperset(parts[name])]
            missing = {part: data for name in lost for part, data in parts[name].items()}
            holder = tenant_id(secret, tenant).hex()
            self._write(client, missing, over=False, holder=holder)
            if lost:
                self._holdings.add(client, holder, {name.rpartition(":")[2]: len(values[name]) for name in lost})

    def get(self, key: str) -> str | None:
        """See `Store`; StoreError where the stored bytes are damaged."""
        if not key.isascii():  # keys come from models
            return None
        secret, name = self._own_secret(), f"contextprune:o:{key}"
        with self._connected() as client:
            present, head = client.mget([_SECRET, name])
            if present not in (None, secret):
                self._secret = None  # wiped, and begun anew by another process
                return None
            body = self._whole(client, {name: head}).get(name) if head is not None else None
            if body is None:
                return None
            self._renew(client, _names(name, head))
        data = unpacked(body[16:])
        if data is None or checksum(secret, key, data) != body[:16]:
            raise StoreError(f"the original under {key!r} on {self.location} is damaged; it cannot be given back")
        return data.decode("utf-8", "surrogatepass")

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        """See `Knowing`."""
        with self._connected() as client:
            asking = client.pipeline(transaction=False)
            for key in keys:
                asking.exists(f"contextprune:o:{key}")
            answers = asking.execute()
        return [key for key, answer in zip(keys, answers, strict=True) if answer]

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """See `Notes`. They are nobody's."""
        self.note_for("", notes)

    def note_first(self, notes: Mapping[bytes, bytes]) -> bool:
        """See `FirstNotes`."""
        return self.note_first_for("", notes)

    def note_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> None:
        """See `SharedNotes`; of whoever holds the most, the notes used least recently give way."""
        self._note(tenant, notes, over=True)

    def note_first_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> bool:
        """See `SharedNotes`."""
        return self._note(tenant, notes, over=False)

    def _note(self, tenant: str, notes: Mapping[bytes, bytes], *, over: bool) -> bool:
        """Keep notes; True where all were written."""
        if not notes:
            return True
        secret = self._own_secret()
        parts: dict[str, bytes] = {}
        for key, data in notes.items():
            parts.update(_parted(f"{_NOTE}{key.hex()}", _sealed(secret, key.hex(), data)))
        with self._connected() as client:
            self._check(client, client.get(_SECRET), secret)
            stood = self._write(client, parts, over=over)
            first = all(head is None for head in stood.values())
            written = {name: data for name, data in parts.items() if over or stood[name] is None}
            new, old = _note_sizes(written), _note_sizes({name: stood[name] for name in written})
            self._notes.add(client, tenant_id(secret, tenant).hex(), new, old, self._note_room)
        return first

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `Notes`; a damaged note is not known."""
        if not keys:
            return {}
        secret = self._own_secret()
        present: dict[bytes, bytes] = {}
        with self._connected() as client:
            for start in range(0, len(keys), _AT_ONCE):
                names = {f"{_NOTE}{key.hex()}": key for key in keys[start : start + _AT_ONCE]}
                answers = zip(names, client.mget(list(names)), strict=True)
                heads = {name: head for name, head in answers if head is not None}
                for name, body in self._whole(client, heads).items():
                    value = opened(secret, names[name], body)
                    if value is not None:
                        present[names[name]] = value
                self._renew(client, [part for name, head in heads.items() for part in _names(name, head)])
        return present

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._client.close()
        self._probe.close()

    def _own_secret(self) -> bytes:
        secret = self._secret
        if secret is None:
            with self._connected() as client:
                self._check_policy(client)
                present = client.get(_SECRET)
                if present is None:
                    client.set(_SECRET, os.urandom(32), nx=True)
                    present = client.get(_SECRET)
                if not isinstance(present, bytes) or len(present) != 32:
                    raise StoreError(f"{self.location} has a strange {_SECRET}; delete that key to begin anew")
                secret = self._secret = present
        return secret

    def _check(self, client: Any, present: object, secret: bytes) -> None:
        """See that keys still mean the same. In a Redis that was wiped, the secret that we have holds on."""
        if present is None:
            client.set(_SECRET, secret, nx=True)
            present = client.get(_SECRET)
        if present != secret:
            self._secret = None
            raise StoreError(
                f"{self.location} was wiped and begun anew by another process; the next call will find it so"
            )

    def _check_policy(self, client: Any) -> None:
        try:
            shown = client.config_get("maxmemory*")
        except redis.ResponseError:
            shown = {}
        policy, memory = shown.get("maxmemory-policy"), int(shown.get("maxmemory", 0))
        if memory:
            self._note_room = min(self._max_note_bytes, memory // 4)
        if policy is None:
            _LOG.warning("%s does not show its maxmemory-policy; see to it that it is noeviction", self.location)
        elif policy != "noeviction":
            raise StoreError(
                f"{self.location} may drop originals that markers name: its maxmemory-policy is {policy}. "
                "Set it to noeviction (CONFIG SET maxmemory-policy noeviction), or set CONTEXTPRUNE_STORE to another."
            )

    def _write(
        self, client: Any, parts: Mapping[str, bytes], *, over: bool, holder: str | None = None
    ) -> dict[str, bytes | None]:
        """All or none; `over` what is there already. What stood under each name, None for nothing; see `_set`.

        Where the Redis is full, whoever holds more than `holder` makes room for it.
        """
        if not parts:
            return {}
        try:
            return self._set(client, parts, over=over)
        except redis.OutOfMemoryError:
            if not self._holdings.make_room(client, sum(map(len, parts.values())), holder):
                raise
            return self._set(client, parts, over=over)

    def _set(self, client: Any, parts: Mapping[str, bytes], *, over: bool) -> dict[str, bytes | None]:
        """What stood under each name; where it was not written over, empty in place of that."""
        writing = client.pipeline(transaction=True)
        for name, data in parts.items():
            writing.set(name, data, ex=self._max_age, nx=not over, get=over)
        answers = writing.execute()
        self._remember(parts)
        stood = answers if over else [None if written else b"" for written in answers]
        return dict(zip(parts, stood, strict=True))

    def _renew(self, client: Any, names: Iterable[str]) -> set[str]:
        """Count these as used now. Those that are still there; what was renewed a short while ago is not asked."""
        names, now = list(names), self._clock()
        with self._lock:
            due = [name for name in names if now >= self._renewed.get(name, now)]
        renewing = client.pipeline(transaction=False)
        for name in due:
            renewing.expire(name, self._max_age)
        answers = renewing.execute(raise_on_error=False) if due else []
        there = {name for name, answer in zip(due, answers, strict=True) if answer is True or answer == 1}
        self._remember(there)
        return there.union(set(names).difference(due))

    def _remember(self, names: Iterable[str]) -> None:
        due = self._clock() + min(60.0, self._max_age / 10)
        with self._lock:
            for name in names:
                self._renewed.pop(name, None)
                self._renewed[name] = due
            while len(self._renewed) > _REMEMBERED:
                self._renewed.popitem(last=False)

    def _whole(self, client: Any, heads: Mapping[str, bytes]) -> dict[str, bytes]:
        """What was parted, put together; what is there in part only is left out."""
        further = {name: _names(name, head)[1:] for name, head in heads.items()}
        names = [part for parts in further.values() for part in parts]
        chunks: dict[str, bytes | None] = dict(zip(names, client.mget(names), strict=True)) if names else {}
        present = {}
        for name, head in heads.items():
            body = [head[2:], *(chunk for part in further[name] if (chunk := chunks[part]) is not None)]
            if len(body) == 1 + len(further[name]):
                present[name] = b"".join(body)
        return present

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """The client. Whatever goes wrong is a StoreError; where nobody answers, nobody is asked for a while."""
        try:
            if self._pause.due():
                self._probe.ping()
                self._pause.over()
            yield self._client
        except Paused as exc:
            said = f"{self.location} did not answer and is left alone for {exc.seconds:.1f} s"
            raise StoreError(f"{said}. {_ADVICE}") from None
        except (redis.ConnectionError, redis.TimeoutError, OSError) as exc:
            self._pause.begin()
            raise StoreError(f"{self.location} cannot be reached: {exc}. {_ADVICE}") from exc
        except redis.OutOfMemoryError as exc:
            raise StoreError(f"{self.location} is full: raise its maxmemory, or let texts expire sooner") from exc
        except redis.RedisError as exc:
            raise StoreError(f"{self.location} refuses: {exc}. {_ADVICE}") from exc


_ADVICE = "Start it, check the address and the password in CONTEXTPRUNE_STORE, or set that to another store."


def _client(url: str, seconds: float) -> Any:
    """A client that waits so long and never tries twice: with its own defaults a Redis that is down costs seconds."""
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        decode_responses=False,
    )


def _location(url: str) -> str:
    """The address without what is secret in it. Raises SettingsError where it is none."""
    with suppress(ValueError):
        parts = urlsplit(url)
        number = parts.path.strip("/")
        if parts.scheme in ("redis", "rediss") and parts.hostname and (not number or number.isdecimal()):
            return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}/{number or 0}"
    raise SettingsError("the address of a Redis reads redis://[[user]:password@]host[:port][/database]")


def _sealed(secret: bytes, key: str, data: bytes) -> bytes:
    return checksum(secret, key, data) + packed(data)


def _parted(name: str, value: bytes) -> dict[str, bytes]:
    """A value in parts of the size allowed; the first says how many follow. Raises StoreError for what is too large."""
    chunks = [value[at : at + CHUNK] for at in range(0, len(value), CHUNK)]
    if len(chunks) > MOST_CHUNKS:
        raise StoreError(f"a text of {len(value):,} bytes, compressed, is too large for a store on Redis")
    head = (len(chunks) - 1).to_bytes(2, "big") + chunks[0]
    return dict(zip(_names(name, head), (head, *chunks[1:]), strict=True))


def _names_of_size(key: str, size: int) -> list[str]:
    """The keys of all parts of an original of so many bytes."""
    return _names(f"contextprune:o:{key}", max(0, (size - 1) // CHUNK).to_bytes(2, "big"))


def _names_of_note(key: str, size: int) -> list[str]:
    """The same of a note."""
    return _names(f"{_NOTE}{key}", max(0, (size - 1) // CHUNK).to_bytes(2, "big"))


def _note_sizes(values: Mapping[str, bytes | None]) -> dict[str, int]:
    """Bytes of notes by key, from what stands under their names: of those in parts, a part for each that follows."""
    heads = {name.removeprefix(_NOTE): head for name, head in values.items() if name.startswith(_NOTE) and head}
    return {key: len(head) - 2 + CHUNK * int.from_bytes(head[:2], "big") for key, head in heads.items()}


def _names(name: str, head: bytes) -> list[str]:
    """The keys of all parts of a value."""
    count = min(int.from_bytes(head[:2], "big"), MOST_CHUNKS)
    return [name, *(f"contextprune:c:{number}:{name.removeprefix('contextprune:')}" for number in range(1, count + 1))]
