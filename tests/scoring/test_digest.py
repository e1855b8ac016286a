from __future__ import annotations

from contextprune.context import Context, Kind, Segment
from contextprune.plan import Identifier
from contextprune.scoring import identifiers_to_carry, identifiers_to_carry_on_arrival
from contextprune.scoring.digest import MAX_LENGTH
from contextprune.splitting import split
from tests.strategies import COUNTER

PAD = "drwxr-xr-x a b c\ndrwxr-xr-x d e f\n" * 3


def carried(*segments: Segment, movable: list[int] | None = None) -> dict[str, Identifier]:
    context = Context(segments)
    free = list(range(len(segments))) if movable is None else movable
    identifiers = identifiers_to_carry(context, split(context), free, COUNTER.pieces)
    return {identifier.text: identifier for identifier in identifiers}


def result(text: str, turn: int = 1) -> Segment:
    return Segment(Kind.TOOL_RESULT, text, ("r", turn), turn=turn)


def test_only_results_of_tools_are_searched() -> None:
    user = Segment(Kind.USER, "look at src/user.py", ("u",))
    assert set(carried(user, result(PAD + "src/app.py\n"))) == {"src/app.py"}


def test_what_a_protected_text_shows_needs_no_carrying() -> None:
    user = Segment(Kind.USER, "look at src/app.py", ("u",))
    assert carried(user, result(PAD + "src/app.py and max_retries\n"), movable=[1]).keys() == {"max_retries"}


def test_the_last_span_that_shows_an_identifier_is_its_home() -> None:
    identifier = carried(result(f"max_retries\n{PAD}max_retries\n{PAD}"))["max_retries"]
    assert len(identifier.spans) == 2
    assert list(identifier.spans) == sorted(identifier.spans)


def test_recent_identifiers_are_worth_more() -> None:
    names = carried(result(PAD + "first_name\n", 1), result(PAD + "other_name\n", 5))
    assert names["other_name"].score > names["first_name"].score


def test_names_of_what_passed_are_worth_little() -> None:
    names = carried(result(f"{PAD}tests/a.py::test_adds PASSED\n{PAD}tests/b.py::test_sends FAILED\n"))
    assert names["tests/b.py"].score > 2 * names["tests/a.py"].score


def test_blobs_and_keys_of_a_schema_are_left_out() -> None:
    rows = "".join(f'{{"user_name": "x", "row": "value_{i}"}}\n' for i in range(4))
    names = carried(result(f"{PAD}{'a1' * MAX_LENGTH}\n"), result(rows))
    assert set(names) == {f"value_{i}" for i in range(4)}


def test_an_identifier_costs_what_it_adds_to_a_marker() -> None:
    assert carried(result(PAD + "max_retries\n"))["max_retries"].cost == COUNTER(" max_retries")


def test_on_arrival_only_the_text_before_a_block_counts() -> None:
    first, second = result(PAD + "max_retries\n", 1), result(PAD + "max_retries\n", 2)
    later = Segment(Kind.USER, "what is max_retries?", ("u",), turn=2)
    context = Context((first, second, later))
    identifiers = identifiers_to_carry_on_arrival(context, split(context), [0, 1], COUNTER.pieces)
    homes = [identifier.spans for identifier in identifiers]
    assert len(homes) == 2
    assert all(len(spans) == 1 for spans in homes)


def test_on_arrival_what_the_user_said_before_needs_no_carrying() -> None:
    context = Context((Segment(Kind.USER, "max_retries?", ("u",)), result(PAD + "max_retries\n")))
    assert identifiers_to_carry_on_arrival(context, split(context), [1], COUNTER.pieces) == []


def test_a_piece_of_base64_holds_no_names() -> None:
    assert not carried(result(PAD + "Qm9vT2xk/x1" * 40 + "\n"))
