"""Cut running text into sentences, list items, headings and speaker turns.

One scan finds every place where a sentence could end; a few cheap questions about what stands before and after decide.
A sentence that opens with a pronoun or a connective is anchored to the one before, as a reader would need it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.pieces import append_sentence

# Each alternative consumes what it looked at, so that no run of full stops or spaces is looked at twice.
_STOPS, _WIDE = ".!?…؟।॥۔։።፧፨", "。！？｡។៕၊။"  # noqa: RUF001 - a wide stop needs no space behind it
_CANDIDATE = re.compile(
    rf"[{_STOPS}{_WIDE}\n](?:"  # one set in front, which the engine skips to
    rf"""(?<=[{_STOPS}])[{_STOPS}]*+(?P<stop>)(?:["'”’»)\]*_]*+(?P<gap>\s++))?"""  # noqa: RUF001
    rf"|(?<=[{_WIDE}])[{_WIDE}]*+[」』”’）)]*+\s*+(?P<wide>)"  # noqa: RUF001
    r"|(?<=\n)(?:[^\S\n]*+\n\s*+(?P<blank>)|(?P<line>)))"
)
_TURN = (
    r"(?:\[[^\]\n]{1,30}\][ \t]*(?:<[^>\n]{1,40}>)?|<[^>\n]{1,40}>|"
    r"(?:[A-Z0-9]|[^\W\d_a-z])[\w.'’-]{0,30}(?:[ ][A-Z0-9(][\w.'’)-]{0,30}){0,3}:)[ \t]"  # noqa: RUF001
)
_ITEM = r"[-*+•–▪◦][ \t]|\(?\d{1,3}[.)][ \t]|\(?[a-z]\)[ \t]"  # noqa: RUF001
_LEADER = re.compile(rf"[ \t]{{0,40}}(?:{_ITEM}|{_TURN})")
_LINE_START = re.compile(rf"[ \t]{{0,40}}(?:{_ITEM}|\#{{1,6}}[ \t]|[>|]|===|---|\*\*\*|```|{_TURN})")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_a-z]")  # "J", "U.S", "e.g" in capitals

_NEVER_LAST = frozenset(
    re.findall(
        r"\S+",
        "dr mr mrs ms prof st mt gen col capt lt sgt rev hon pres gov sen rep messrs mme mlle sr sra srta hr fr "
        "e.g i.e eg ie cf viz vs v al ca approx fig figs eq eqs sec secs ch chap no nos nr art vol vols pp p ed eds "
        "op cit resp incl esp bzw z.b d.h u.a usw bspw p.ej jan feb mar apr jun jul aug sep sept oct nov dec",
    )
)
_SELDOM_LAST = frozenset(
    re.findall(r"\S+", "inc ltd co corp bros jr sr dept univ etc a.m p.m am pm ph.d m.d b.a m.a est min max")
)
_STARTER = re.compile(
    r"""["'“‘(\[]?(?:The|A|An|He|She|It|They|We|I|You|This|These|That|Those|There|In|On|At|For|From|But|And|If|"""  # noqa: RUF001
    r"When|While|After|Before|As|His|Her|Its|Their|Our|My|However|What|Who|How|Why|Where)\b"
)
_DEPENDENT = re.compile(
    r"""[ \t]*["'“‘(\[¿¡]?(?:He|She|It|They|Him|Her|His|Hers|Its|Their|Theirs|This|These|That|Those|Such|"""  # noqa: RUF001
    r"But|And|Or|So|Yet|However|Therefore|Thus|Hence|Then|Moreover|Furthermore|Also|Additionally|Instead|Otherwise|"
    r"Consequently|Accordingly|Nevertheless|Nonetheless|Still|Similarly|Likewise|Meanwhile|Conversely|Both|Neither|"
    r"Besides|Afterwards|Later|Here|The (?:former|latter|same)|As a result|In (?:addition|contrast|turn|this|that)|"
    r"For (?:example|instance)|On the other hand|"
    r"Er|Sie|Es|Dies|Diese|Dieser|Dieses|Aber|Doch|Jedoch|Daher|Deshalb|Il|Elle|Ils|Elles|Cela|Ceci|Mais|Donc|"
    r"Cependant|Él|Ella|Ellos|Ellas|Esto|Esta|Este|Pero|Sin embargo|Por lo tanto)\b"
    r"|[ \t]*(?:他|她|它|这|那|但|因此|所以|然而|しかし|そして|また|それ|これ|彼)"
)

_OPENERS = "\"'([{“‘*_"  # noqa: RUF001
_SENTENCE, _PROSE = Unit.SENTENCE, Syntax.PROSE

_COLOUR = re.compile(r"\x1b\[[\d;]{0,20}m")
_LEAST = 4  # characters: a lone bracket or number goes with what follows
_SHORT_LINE = 40  # no wrapped paragraph has lines this short, but for its last
_LONG_LINE = 120  # no wrapped paragraph has lines this long: each line is a paragraph


def cut_prose(text: str) -> list[Cut]:
    """One cut a sentence (heading, list item, clause of an endless sentence), white space with the one before."""
    cuts: list[Cut] = []
    start, leader, leans = 0, _leader(text, 0, 0), False
    for candidate in _CANDIDATE.finditer(text):
        if candidate.lastgroup == "stop":  # within a word or at the very end
            continue
        point = _boundary(text, start, candidate)
        if point is None or point == len(text) or point - start < _LEAST or _is_wordless(text, start, point):
            continue
        anchors = _anchors(text, start, cuts, leader, leans)
        append_sentence(cuts, text, Cut(start, point, _SENTENCE, _PROSE, anchors))
        start, leans = point, True
        if text[point - 1] == "\n":
            leader = _leader(text, point, len(cuts))
            leans = candidate.lastgroup != "blank" and text.find("\n", candidate.start(), point - 1) < 0
    if start < len(text):
        anchors = _anchors(text, start, cuts, leader, leans)
        append_sentence(cuts, text, Cut(start, len(text), _SENTENCE, _PROSE, anchors))
    return cuts


def _is_wordless(text: str, start: int, end: int) -> bool:
    """Whether a piece is blank, or a sign that opens a line, colours before it: `! `, `... `."""
    piece = text[start:end]
    if len(piece) > _SHORT_LINE or piece.endswith("\n"):
        return piece.isspace()
    return not any(letter.isalnum() for letter in _COLOUR.sub("", piece))


def _anchors(text: str, start: int, cuts: Sequence[Cut], leader: int | None, leans: bool) -> tuple[int, ...]:
    """Anchors of the sentence at `start`: the opening of its turn or item, or the sentence that it leans on.

    In a chain ('It is ... Its end ...') that is the chain's head, which names what they all speak of.
    """
    index, previous = len(cuts), cuts[-1].anchors if cuts else ()
    if leader is not None:
        return (leader,) if leader < index else ()
    if not (leans and _DEPENDENT.match(text, start)):
        return ()
    return previous or (index - 1,)


def _leader(text: str, start: int, index: int) -> int | None:
    """`index` if the line at `start` names a speaker or is a list item: later sentences of that line need it."""
    return index if _LEADER.match(text, start) else None


def _boundary(text: str, start: int, candidate: re.Match[str]) -> int | None:
    """End of the span that a candidate closes; None where it closes none."""
    end = candidate.end()
    match candidate.lastgroup:
        case "blank":
            return text.rfind("\n", candidate.start(), end) + 1
        case "line":
            return end if _line_ends(text, start, end) else None
        case "wide":
            return _after_newline(text, candidate.start(), end)
        case "gap":
            point = _after_newline(text, candidate.end("stop"), end)
            if point > start and text[point - 1] == "\n" and _LINE_START.match(text, point):
                return point
            return point if _sentence_ends(text, start, candidate) else None
        case _:
            return None


def _after_newline(text: str, start: int, end: int) -> int:
    """A gap ends after its last newline: the indentation behind it belongs to the next line."""
    newline = text.rfind("\n", start, end)
    return end if newline < 0 else newline + 1


def _line_ends(text: str, start: int, end: int) -> bool:
    """Whether a lone newline before `end` ends a span, or merely wraps a paragraph."""
    if _LINE_START.match(text, end):
        return True
    line = max(start, text.rfind("\n", max(0, end - 1 - _LONG_LINE), end - 1) + 1, end - 1 - _LONG_LINE)
    length = end - 1 - line
    if length >= _LONG_LINE or text.startswith("#", line):
        return True
    return length < _SHORT_LINE and not text[end : end + 1].islower() and not text[end : end + 1].isspace()


def _sentence_ends(text: str, start: int, candidate: re.Match[str]) -> bool:
    """Whether the full stop of a candidate ends a sentence, by the word before and the letter after."""
    stop, after = candidate.start(), candidate.end()
    if text[after : after + 1].islower() and "\n" not in text[stop:after]:
        return text[stop - 1 : stop].isspace()  # "ends here . next": tokenised text has no capitals to go by
    if text[stop] != "." or candidate.end("stop") - stop > 1:
        return True
    words = text[max(start, stop - 12) : stop].split()
    word = words[-1].lstrip(_OPENERS) if words else ""
    lowered = word.lower()
    if lowered in _NEVER_LAST:
        return False
    if word.isdigit() and len(word) <= 3 and not text[start : stop - len(word)].strip():
        return False  # "1. " opens an item
    if lowered in _SELDOM_LAST or (len(word) <= 5 and _INITIALS.fullmatch(word)):
        return _STARTER.match(text, after) is not None
    return True
