"""One finished request in figures, the words that are used for them, and the most recent requests.

Every name here that becomes a label somewhere comes from a closed set; nothing here knows a key or a credential.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from contextprune.proxy.job import UNASKED, Answer
from contextprune.proxy.telemetry.billing import Billing
from contextprune.proxy.telemetry.usage import Usage

ROUTES = ("chat", "responses", "messages", "count", "compact", "compress", "retrieve", "usage", "other")
"""Kinds of requests: the three that are shortened, their token counting, the provider's compaction, the side-car's
three, all that is relayed."""

SHORTENED = ROUTES[:3]
"""The routes whose requests contextprune shortens."""

STATUSES = ("applied", "noop", "audit", "passed", "refused")
"""Shortened; nothing to take out; measured only; sent as it came in, for a reason; not let in (too large, too slow)."""

PHASES = ("", "request", "waiting", "streaming")
"""Phases in which a client may leave: none, while sending, before the answer began, in the middle of it."""

_HEAT, _HEATS = 4 << 20, 32 << 20  # bytes of one heat map, and of all that are kept


@dataclass(slots=True)
class RequestRecord:
    """One request, filled in as it goes. Times in seconds, sizes in bytes.

    number      counts up from 1
    started     seconds since 1970
    route       one of ROUTES
    dialect     the wire format, "" where there is none
    provider    "openai", "anthropic", or the prefix that an upstream was configured under
    session     a short hash of the session, "" where unknown
    client      the program that sent it, as it names itself, "" where it does not
    mode        "on", "audit" or "off", as it held for this request
    answer      of the scorer process, without its body, or what is known where none was asked; see `job.Answer`
    overhead    from the last byte of the request to the first one upstream: what contextprune cost
    upstream    the provider's HTTP status, 0 where it gave none
    first_byte  from the first byte sent upstream to the first byte of the answer; None where there was none
    total       from the first byte of the request to the last one of the answer
    streamed    the answer came as events
    bytes_in    of the request's body on the wire
    bytes_out   of the answer's body on the wire
    usage       what the provider said of tokens
    missed      less was read from the cache than the session's last request had left there
    billing     what the input cost; None where nobody counted its tokens
    retried     it refused our version and was given the original
    gone        where the client left, one of PHASES
    trace       the client's `traceparent`, "" without one
    """

    number: int = 0
    started: float = 0.0
    route: str = "other"
    dialect: str = ""
    provider: str = ""
    session: str = ""
    client: str = ""
    mode: str = "on"
    answer: Answer = UNASKED
    overhead: float = 0.0
    upstream: int = 0
    first_byte: float | None = None
    total: float = 0.0
    streamed: bool = False
    bytes_in: int = 0
    bytes_out: int = 0
    usage: Usage | None = None
    missed: bool = False
    billing: Billing | None = None
    retried: bool = False
    gone: str = ""
    trace: str = ""

    @property
    def eligible(self) -> bool:
        """True for a request that contextprune is there to shorten."""
        return self.route in SHORTENED

    @property
    def billed(self) -> bool:
        """True where the provider answered, so that somebody pays for the input; False for a refusal, an overload."""
        return 200 <= self.upstream < 300

    @property
    def counted(self) -> bool:
        """True where its tokens are known; of a request that was late they may become known after its end."""
        return self.answer.before > 0

    @property
    def shorter(self) -> int:
        """Tokens that were taken out of it; in an audit, that would have been. Never below 0."""
        return max(0, self.answer.before - self.answer.after) if self.answer.status in ("applied", "audit") else 0

    @property
    def saved(self) -> int:
        """Tokens that somebody did not pay for because they were taken out."""
        return self.shorter if self.billed else 0

    @property
    def dollars(self) -> tuple[float, float] | None:
        """US dollars for the input without and with contextprune; None where nobody pays, or no price is known."""
        if not self.billed:
            return None
        if self.billing is not None:
            return self.billing.dollars
        dollars = self.answer.dollars
        return (dollars[0], dollars[0]) if dollars and self.retried else dollars


class Recent:
    """The last `count` requests, the newest first when walked over, within a bounded memory for their texts."""

    __slots__ = ("_heat", "_records")

    def __init__(self, count: int) -> None:
        self._records: deque[RequestRecord] = deque(maxlen=count)
        self._heat = 0

    def add(self, record: RequestRecord) -> None:
        """Keep it, let the oldest go, and let the oldest texts go where all together are too large."""
        if len(record.answer.heat or b"") > _HEAT:
            _drop_heat(record)

        if self._records.maxlen and len(self._records) == self._records.maxlen:
            self._heat -= len(self._records.popleft().answer.heat or b"")
        self._records.append(record)
        self._heat += len(record.answer.heat or b"") if self._records.maxlen else 0
        for old in self._records:
            if self._heat <= _HEATS:
                break
            self._heat -= len(old.answer.heat or b"")
            _drop_heat(old)

    def find(self, number: int) -> RequestRecord | None:
        """The request of this number; None where it is no longer, or was never, here."""
        return next((record for record in self if record.number == number), None)

    def __iter__(self) -> Iterator[RequestRecord]:
        return reversed(self._records)

    def __len__(self) -> int:
        return len(self._records)


def _drop_heat(record: RequestRecord) -> None:
    record.answer = replace(record.answer, heat=None)
