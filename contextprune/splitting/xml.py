"""Cut XML into elements that each need the path of elements around them.

Reports of test runs, builds, feeds, manifests. Forgiving as the cutter of pages is, and with its tags: fragments and
torn ends are cut as well. A small element is one span; long text in one is cut as whatever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.html import Tag, tags
from contextprune.splitting.lines import LONG, pieces
from contextprune.splitting.pieces import rebase

_SMALL = 240  # characters of an element that is one span
_LONG_TEXT = 400  # characters of text, in several lines, that is cut by itself
_DEEPEST = 100  # elements around one that are told apart
_MISNESTED = 8  # elements that a closing tag may leave open
_NAMES = frozenset({"name", "id", "title", "key", "artifactid", "ref"})
"""Elements that name the one around them."""
_CDATA, _CDATA_END = "<![CDATA[", "]]>"


def cut_xml(text: str, cut_inner: Callable[[str], Sequence[Cut]] | None = None) -> list[Cut]:
    """One cut an element, anchored to the one around it; `cut_inner` cuts long text in an element. Cuts tile `text`."""
    if not text:
        return []
    tree = _Tree(text, cut_inner)
    for tag in tags(text):
        tree.take(tag)
    return tree.finished()


class _Open(NamedTuple):
    """An element that is not closed yet: its name, the cut of its opening tag, and whether a child named it."""

    name: str
    cut: int
    named: bool = False


class _Tree:
    """The cuts of one text while it is read: each reaches to the start of the next one."""

    def __init__(self, text: str, cut_inner: Callable[[str], Sequence[Cut]] | None) -> None:
        self.text, self.cut_inner = text, cut_inner
        self.cuts: list[Cut] = []
        self.open: list[_Open] = []  # the elements around
        self.last = 0  # where the last tag ended

    def take(self, tag: Tag) -> None:
        """Read the text before `tag`, then the tag."""
        self._text(self.last, tag.start)
        if tag.name and not tag.closing:
            self._element(tag)
        elif tag.name:
            self._close(tag)
        elif self.text.startswith(_CDATA, tag.start):
            self._text(tag.start + len(_CDATA), tag.end - len(_CDATA_END))
        elif tag.end - tag.start > LONG:
            self._append(tag.start, Unit.SENTENCE)  # a comment
        self.last = tag.end

    def finished(self) -> list[Cut]:
        self._text(self.last, len(self.text))
        if not self.cuts:
            self._append(0, Unit.SENTENCE)
        self.cuts[0] = self.cuts[0]._replace(start=0)
        starts = [each.start for each in self.cuts[1:]]
        ended = [each._replace(end=end) for each, end in zip(self.cuts, [*starts, len(self.text)], strict=True)]
        return _divided(self.text, ended)

    def _append(self, start: int, unit: Unit) -> None:
        anchors = (self.open[-1].cut,) if self.open else ()
        self.cuts.append(Cut(start, start, unit, Syntax.HTML, anchors))

    def _element(self, tag: Tag) -> None:
        if len(self.open) >= _DEEPEST:
            return
        margin = self.text.rfind("\n", self.last, tag.start) + 1 or tag.start
        start = margin if self.text[margin : tag.start].isspace() else tag.start
        if self.open and tag.name in _NAMES and not self.open[-1].named:
            around = self.open[-1].cut
            self.open[-1] = self.open[-1]._replace(named=True)
            self.cuts[around] = self.cuts[around]._replace(anchors=(*self.cuts[around].anchors, len(self.cuts)))
        self._append(start, Unit.ITEM)
        if self.text[tag.end - 2] != "/":
            self.open.append(_Open(tag.name, len(self.cuts) - 1))

    def _close(self, tag: Tag) -> None:
        """Leave the element that a tag closes, and make it one span where it is small."""
        for depth in range(len(self.open) - 1, max(-1, len(self.open) - 1 - _MISNESTED), -1):
            name, index, _ = self.open[depth]
            if name == tag.name:
                del self.open[depth:]
                if tag.end - self.cuts[index].start <= _SMALL:
                    del self.cuts[index + 1 :]
                    around = tuple(anchor for anchor in self.cuts[index].anchors if anchor < index)
                    self.cuts[index] = self.cuts[index]._replace(anchors=around)
                return

    def _text(self, start: int, end: int) -> None:
        """Cut long text by itself; its element's opening tag is a cut of its own then."""
        if self.cut_inner and end - start > _LONG_TEXT and self.text.find("\n", start, end) >= 0:
            around = (self.open[-1].cut,) if self.open else ()
            self.cuts += rebase(self.cut_inner(self.text[start:end]), start, len(self.cuts), around)


def _divided(text: str, cuts: Sequence[Cut]) -> list[Cut]:
    """The cuts, long ones in pieces that need their first."""
    firsts: list[int] = []  # of the first piece of each cut
    divided: list[Cut] = []
    for each in cuts:
        firsts.append(len(divided))
        start, anchors = each.start, each.anchors
        if each.end - start > LONG and each.syntax is Syntax.HTML:
            atoms = [(tag.start + start, tag.end + start) for tag in tags(text[start : each.end])]
            for point in pieces(text, start, each.end, atoms):
                divided.append(each._replace(start=start, end=point, anchors=anchors))
                start, anchors = point, (-1 - firsts[-1],)
        divided.append(each._replace(start=start, anchors=anchors))
    return [
        each._replace(anchors=tuple(firsts[anchor] if anchor >= 0 else -1 - anchor for anchor in each.anchors))
        for each in divided
    ]
