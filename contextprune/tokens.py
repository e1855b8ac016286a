"""Token counters. Counting works offline: the o200k vocabulary ships with the package, and a labelled estimate is the
last resort; nothing here ever downloads.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from binascii import a2b_base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from contextprune.errors import SettingsError


class Counter(Protocol):
    """Counts tokens. `name` is part of every cache key, so it changes when the counts would."""

    name: str

    def __call__(self, text: str) -> int:
        """Tokens of `text`."""
        ...

    def pieces(self, text: str, ends: Sequence[int]) -> list[int]:
        """Tokens that start in each piece of `text`; `ends` are the pieces' end offsets, rising, the last `len(text)`.

        The sum equals `self(text)`: the text is encoded once, however many pieces it has.
        """
        ...


@runtime_checkable
class Labelled(Protocol):
    """A counter with a description of itself for people."""

    label: str


def label_of(counter: Counter) -> str:
    """A counter's description for people: its label, or its name where it has none."""
    return counter.label if isinstance(counter, Labelled) else counter.name


class Tiktoken:
    """Counts with tiktoken and the vocabulary that ships with the package: exact for OpenAI's o200k models.

    The vocabulary is read at the first count (about 0.7 s), once in a process. Special tokens written out in a text
    count as the ordinary text they are. A lone surrogate counts as U+FFFD, which is what a provider receives.
    Raises SettingsError for another encoding, and at the first count where the vocabulary file is damaged.
    """

    def __init__(self, encoding: str = "o200k_base") -> None:
        if encoding != "o200k_base":
            raise SettingsError(f"no vocabulary for {encoding!r} ships with contextprune, only 'o200k_base'")
        self.name = encoding
        self._counts = _Recent()

    def __reduce__(self) -> tuple[type[Tiktoken], tuple[str]]:
        """By the name alone: what was counted can be counted again."""
        return Tiktoken, (self.name,)

    @property
    def label(self) -> str:
        """The vocabulary, or the estimate, in words for a reader."""
        return f"{self.name} (shipped, exact)"

    def __call__(self, text: str) -> int:
        """Tokens of `text`; a text counted recently is not encoded again."""
        cached = self._counts.get(text)
        if cached is not None:
            return cached
        count = sum(map(len, _encode(text)))
        self._counts.put(text, count)
        return count

    def pieces(self, text: str, ends: Sequence[int]) -> list[int]:
        """Tokens that start in each piece of `text`; see `Counter`."""
        assert (ends[-1] if ends else 0) == len(text), "the last piece ends where the text does"
        lengths = _vocabulary().lengths
        byte_ends = _byte_offsets(text, ends)
        reached: list[int] = []
        tokens = offset = 0

        for chunk in _encode(text):  # one after another: a long text has a token for each character at worst
            starts = list(accumulate(map(lengths.__getitem__, chunk), initial=offset))
            offset = starts[-1]
            last = bisect_right(byte_ends, offset, len(reached))
            reached += [tokens + bisect_left(starts, end) for end in byte_ends[len(reached) : last]]
            tokens += len(chunk)
        self._counts.put(text, tokens)
        return [after - before for before, after in pairwise([0, *reached])]


class Estimate:
    """A fixed number of characters a token: for models whose vocabulary nobody has, and labelled as what it is."""

    def __init__(self, chars_per_token: float = 4.0) -> None:
        if not chars_per_token > 0:
            raise SettingsError(f"a token has more than 0 characters, not {chars_per_token}")
        self.name = f"estimate-{chars_per_token}"
        self._chars_per_token = chars_per_token

    @property
    def label(self) -> str:
        """The vocabulary, or the estimate, in words for a reader."""
        return f"estimate: {self._chars_per_token} characters a token"

    def __call__(self, text: str) -> int:
        """Tokens of `text`, rounded up."""
        return ceil(len(text) / self._chars_per_token)

    def pieces(self, text: str, ends: Sequence[int]) -> list[int]:
        """Tokens that start in each piece of `text`, as if every token were equally long; see `Counter`."""
        assert (ends[-1] if ends else 0) == len(text), "the last piece ends where the text does"
        reached = [ceil(end / self._chars_per_token) for end in ends]
        return [after - before for before, after in pairwise([0, *reached])]


COUNTERS: dict[str, Callable[[], Counter]] = {"o200k_base": Tiktoken, "estimate": Estimate}


def bytes_of(text: str) -> int:
    """Bytes of a text in UTF-8, as stores keep it and the wire carries it; a lone surrogate has three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def open_counter(name: str | None = None) -> Counter:
    """The counter of this name, o200k_base where none is given. Raises SettingsError for an unknown name."""
    if name is not None and name not in COUNTERS:
        raise SettingsError(f"no tokenizer is called {name!r}; choose one of: {', '.join(COUNTERS)}")
    return COUNTERS[name or "o200k_base"]()


class _Vocabulary(NamedTuple):
    """`encode` turns clean text into token ids; `lengths` holds the bytes of each id."""

    encode: Callable[[str], list[int]]
    lengths: list[int]


_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = "|".join(  # as published with o200k_base, in tiktoken_ext.openai_public
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _SUFFIX,
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _SUFFIX,
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


@cache
def _vocabulary() -> _Vocabulary:
    """Read the shipped file and build the encoder from it, without tiktoken's own loader, which may download."""
    import tiktoken  # noqa: PLC0415 - it takes 40 ms, which `import contextprune` does not owe to those who never count

    path = Path(__file__).parent / "vocab" / "o200k_base.tiktoken.gz"
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as exc:
        raise SettingsError(f"the vocabulary {path} cannot be read ({exc}); reinstall contextprune-ai") from exc
    if hashlib.sha256(raw).hexdigest() != _SHA256:
        raise SettingsError(f"the vocabulary {path} is damaged; reinstall contextprune-ai")
    fields = raw.split()  # one line for each token: base64 of its bytes, its rank; ranks rise by one from 0
    tokens = [a2b_base64(token) for token in fields[::2]]
    encoding = tiktoken.Encoding(
        "o200k_base",
        pat_str=_PATTERN,
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    )
    return _Vocabulary(encoding.encode_ordinary, [len(token) for token in tokens])


_CHUNK = 20_000
"""Characters encoded at once. tiktoken is slow on very long runs without a break, and panics on a million spaces."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LAST_CUT = re.compile(
    r"""(?s).*(?:
        [A-Za-z0-9](?=[\x00-&(-/:-@\[-`{-\x7f])  # a word ends, and no 's or 'll follows
      | \S(?=\x20)                               # a space always opens a piece of its own or of the word after it
      | \n(?=[A-Za-z0-9])                        # a line begins with a word
    )""",
    re.VERBOSE,
)
"""Up to the last point where the o200k pattern breaks a text whatever lies around: cutting there changes no count."""


def _chunks(text: str, size: int = _CHUNK) -> Iterator[str]:
    """Cut `text` into chunks of at most `size` characters, at true breaks unless the last tenth of a chunk has none.

    A cut without a break may add a token: at most one in `size` characters, and only in runs that nobody reads.
    """
    start = 0
    while len(text) - start > size:
        end = start + size
        break_ = _LAST_CUT.match(text, end - size // 10, end)
        cut = break_.end() if break_ else end
        yield text[start:cut]
        start = cut
    yield text[start:]


def _encode(text: str) -> Iterator[list[int]]:
    """Token ids of `text`, chunk by chunk."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    return map(_vocabulary().encode, _chunks(text))


def _byte_offsets(text: str, ends: Sequence[int]) -> Sequence[int]:
    """`ends` in UTF-8 bytes. A surrogate has three bytes, and so has the U+FFFD that stands for it."""
    if text.isascii():
        return ends
    sizes = (len(text[start:end].encode("utf-8", "surrogatepass")) for start, end in pairwise([0, *ends]))
    return list(accumulate(sizes))


class _Recent:
    """Counts of the texts counted last. Two generations bound it, without a lock that a fork could leave held.

    When the young generation is full it becomes the old one, and the old one is forgotten.
    """

    def __init__(self, most_texts: int = 4_096, most_chars: int = 8_000_000) -> None:
        self._texts, self._chars = most_texts // 2, most_chars // 2
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._size = 0

    def get(self, text: str) -> int | None:
        count = self._young.get(text)
        if count is None:
            count = self._old.get(text)
            if count is not None:
                self.put(text, count)
        return count

    def put(self, text: str, count: int) -> None:
        if len(text) > self._chars or text in self._young:
            return
        if len(self._young) >= self._texts or self._size + len(text) > self._chars:
            self._young, self._old, self._size = {}, self._young, 0
        self._young[text] = count
        self._size += len(text)
