from __future__ import annotations

import contextprune as cp
from contextprune.selection.dedupe import copy_key, duplicates
from tests.selection.prepared import Setting, lines, result

TEXT = lines("alpha", "beta", each=6)


def repeated(*segments: cp.Segment, movable: set[int] | None = None) -> dict[str, str]:
    """Text of each redundant span and of the one it repeats, with their segments."""
    setting = Setting.of(*segments)
    found = duplicates(setting.context, setting.spans, setting.costs, movable or set(range(len(segments))))
    return {
        f"{setting.spans[i].segment} {setting.spans[i].text}": f"{setting.spans[j].segment} {setting.spans[j].text}"
        for i, j in found.items()
    }


def document(text: str, i: int) -> cp.Segment:
    return cp.Segment(cp.Kind.DOCUMENT, text, (i,))


def test_the_later_copy_refers_to_the_earlier_one() -> None:
    found = repeated(result(TEXT), result(TEXT, turn=2))
    assert len(found) == 12
    assert all(later[1:] == earlier[1:] and later[0] == "1" and earlier[0] == "0" for later, earlier in found.items())


def test_a_third_copy_refers_to_the_first() -> None:
    found = repeated(result(TEXT), result(TEXT, turn=2), result(TEXT, turn=3))
    assert {earlier[0] for earlier in found.values()} == {"0"}


def test_a_short_run_is_no_copy() -> None:
    assert repeated(result(TEXT + "}\n"), result(lines("gamma", each=6) + "}\n", turn=2)) == {}


def test_what_differs_inside_a_copy_is_none() -> None:
    found = repeated(result(TEXT), result(TEXT.replace("the value of beta is 2", "another"), turn=2))
    assert len(found) == 11


def test_one_text_does_not_repeat_itself() -> None:
    assert repeated(result(TEXT + TEXT)) == {}


def test_what_may_not_go_is_never_redundant_but_may_be_referred_to() -> None:
    assert repeated(result(TEXT), result(TEXT, turn=2), movable={0}) == {}
    assert len(repeated(result(TEXT), result(TEXT, turn=2), movable={1})) == 12


def test_documents_may_differ_in_case_and_white_space_and_results_may_not() -> None:
    text = (
        "This is a sentence that is long enough for a run of copies. It is followed by another sentence of that sort. "
        * 2
    )
    loud = text.upper().replace(" ", "  ")
    assert repeated(document(text, 0), document(loud, 1))
    assert repeated(result(text), result(loud, turn=2)) == {}


def test_a_view_whose_numbers_have_moved_repeats_the_earlier_one() -> None:
    body = [f"row_{n} = compute_{n * 7}(alpha, beta, {n})" for n in range(30)]
    one, other = ("".join(f"{n:6}\t{line}\n" for n, line in enumerate(body, start=start)) for start in (1, 95))
    found = repeated(result(one), result(other, turn=2))
    assert sum(later.count("row_") for later in found) == 30


def test_numbers_that_are_no_line_numbers_are_compared() -> None:
    one, other = ("".join(f"took {n} seconds in part {n % 7}\n" for n in range(start, start + 20)) for start in (0, 50))
    assert repeated(result(one), result(other, turn=2)) == {}


def test_an_exact_copy_has_every_byte_but_the_line_break_at_its_end() -> None:
    same, looser = ("    return total\n", "    return total"), ("return total", "    return  total", "    Return total")
    for kind in (cp.Kind.TOOL_RESULT, cp.Kind.DOCUMENT):
        assert len({copy_key(text, kind, exact=True) for text in same}) == 1
        assert len({copy_key(text, kind, exact=True) for text in (same[0], *looser)}) == 4


def test_an_exact_copy_has_the_same_line_number() -> None:
    assert copy_key("    12\tx = 1\n", cp.Kind.TOOL_RESULT) == copy_key("    13\tx = 1\n", cp.Kind.TOOL_RESULT)
    keys = {copy_key(f"    {n}\tx = 1\n", cp.Kind.TOOL_RESULT, exact=True) for n in (12, 13)}
    assert len(keys) == 2


def test_blank_lines_are_nobodys_exact_copies() -> None:
    assert copy_key("   \n", cp.Kind.TOOL_RESULT, exact=True) == ""


def test_every_copy_repeats_the_first_of_many() -> None:
    body = "".join(f"row_{n} = compute_{n * 7}(alpha, beta, {n})\n" for n in range(30))
    copies = repeated(*(result(body, turn=turn) for turn in range(1, 6)))
    assert len(copies) == 4 * 30
