from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextprune.storage.bundle import Part, bundle, bundled

KEY = "uzozfkxiwu2d"


@given(st.dictionaries(st.integers(0, 99), st.text() | st.just("=== block 1 of 2: x; 3 characters, recall=abc ===\n")))
def test_a_bundle_gives_back_its_texts_by_block(texts: dict[int, str]) -> None:
    parts = [Part(block, "tool result bash", KEY, text) for block, text in texts.items()]
    assert bundled(bundle(parts, 100)) == texts


def test_each_text_comes_with_which_block_it_is_and_its_own_key() -> None:
    text = bundle([Part(3, "tool result bash\ncall_4", KEY, "two\nlines")], 12)
    assert text == f"=== block 4 of 12: tool result bash call_4; 9 characters, recall={KEY} ===\ntwo\nlines\n"


def test_a_text_that_is_no_bundle_from_end_to_end_has_no_parts() -> None:
    text = bundle([Part(0, "tool result", KEY, "one")], 1)
    assert bundled(text)
    assert [bundled(other) for other in ("", "plain", text + "more", "before\n" + text, text[:-1])] == [{}] * 5
