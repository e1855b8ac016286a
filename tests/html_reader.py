"""Reads a page as a browser would: its tags, its text, and what closes out of order."""

from __future__ import annotations

from html.parser import HTMLParser

_EMPTY = {"meta", "input", "br"}
_CLOSED_BY_THE_NEXT = {"html", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "ul"}


class Reader(HTMLParser):
    """Every tag with its attributes, all text outside of style and script, and what is wrong."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _EMPTY | _CLOSED_BY_THE_NEXT:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _CLOSED_BY_THE_NEXT:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of this name."""
        return [attributes for name, attributes in self.tags if name == tag]
