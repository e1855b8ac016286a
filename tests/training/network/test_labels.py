from __future__ import annotations

from contextprune.context import Context, Kind, Segment
from contextprune.splitting import split
from contextprune.training.network.labels import labels_of
from contextprune.training.samples import Need, Sample

LINES = [f"2024-01-01 10:{i // 60:02}:{i % 60:02} INFO payment order {i} was refused at night" for i in range(120)]
TEXT = "\n".join(LINES) + "\n"


def sample(*needs: Need, name: str = "a") -> Sample:
    context = Context((Segment(Kind.DOCUMENT, TEXT, (0,)),), "why payment", asked=True)
    return Sample(name, "set", "prose", ("doc",), context, (0,), needs)


def line(number: int, weight: float = 1.0) -> Need:
    start = sum(len(text) + 1 for text in LINES[:number])
    return Need(0, start, start + len(LINES[number]), weight)


def test_the_needed_line_is_labelled_and_no_other() -> None:
    labelled_sample = sample(line(7, 0.5), line(100))
    spans = split(labelled_sample.context)
    labelled = {spans[i].text.strip(): label for i, label in enumerate(labels_of(labelled_sample, spans)) if label}
    assert labelled == {LINES[7]: 0.5, LINES[100]: 1.0}


def test_a_need_that_only_touches_a_span_does_not_label_it() -> None:
    start = line(7).start
    labelled_sample = sample(Need(0, start - 3, start + 30))
    spans = split(labelled_sample.context)
    assert [spans[i].text.strip() for i, label in enumerate(labels_of(labelled_sample, spans)) if label] == [LINES[7]]
