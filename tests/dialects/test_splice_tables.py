"""Splicing, case by case: spellings, equal keys, images, what is refused and where, depth, and slow bodies."""

from __future__ import annotations

import json

import pytest

from contextprune.context import Ref
from contextprune.dialects import apply
from contextprune.dialects.splice import splice
from contextprune.errors import PayloadError
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("body", "ref", "expected"),
    [
        (b'{"a":"x","n":1e5}', ("a",), b'{"a":"NEW","n":1e5}'),
        (b'{"n":1.50,"a":"x"}', ("a",), b'{"n":1.50,"a":"NEW"}'),
        (b'{"n":12345678901234567890123456789,"a":"x"}', ("a",), b'{"n":12345678901234567890123456789,"a":"NEW"}'),
        (b'{"n":[NaN,-Infinity,-0],"a":"x"}', ("a",), b'{"n":[NaN,-Infinity,-0],"a":"NEW"}'),
        (b' \r\n{ "a" :\t"x" }\n\n', ("a",), b' \r\n{ "a" :\t"NEW" }\n\n'),
        (b'\xef\xbb\xbf{"a":"x"}', ("a",), b'\xef\xbb\xbf{"a":"NEW"}'),
        (b'{"b":"\\u00e9\\/\\u003C","a":"x"}', ("a",), b'{"b":"\\u00e9\\/\\u003C","a":"NEW"}'),
        (b'{"b":"e\xcc\x81\xc3\xa9","a":"x"}', ("a",), b'{"b":"e\xcc\x81\xc3\xa9","a":"NEW"}'),
        (b'{"\\u0061":"x"}', ("a",), b'{"\\u0061":"NEW"}'),
        (b'{"\\ud83d\\ude42":"x"}', ("\U0001f642",), b'{"\\ud83d\\ude42":"NEW"}'),
        (b'{"\\ud83d":"x"}', ("\ud83d",), b'{"\\ud83d":"NEW"}'),
        (b'{"":["x"]}', ("", 0), b'{"":["NEW"]}'),
        (b'[[],{},"]}",["x"]]', (3, 0), b'[[],{},"]}",["NEW"]]'),
        (b'{"b":"\\\\","a":"\\""}', ("a",), b'{"b":"\\\\","a":"NEW"}'),
        (b'{"0":"x","a":["y"]}', ("a", 0), b'{"0":"x","a":["NEW"]}'),
        (b'{"a":"x"}', ("a",), b'{"a":"NEW"}'),
        (b'{"a":""}', ("a",), b'{"a":"NEW"}'),
    ],
)
def test_only_the_literal_changes(body: bytes, ref: Ref, expected: bytes) -> None:
    assert splice(body, {ref: "NEW"}) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"m":["x"],"m":["y"]}', b'{"m":["x"],"m":["NEW"]}'),
        (b'{"m":["x"],"\\u006d":["y"]}', b'{"m":["x"],"\\u006d":["NEW"]}'),
        (b'{"m":0,"m":["y"]}', b'{"m":0,"m":["NEW"]}'),
        (b'{"m":["x"],"m":["y"],"n":0}', b'{"m":["x"],"m":["NEW"],"n":0}'),
        (b'{"m":["NEW"],"m":["y"]}', b'{"m":["NEW"],"m":["NEW"]}'),
    ],
)
def test_of_equal_keys_the_last_one_is_meant(body: bytes, expected: bytes) -> None:
    assert splice(body, {("m", 0): "NEW"}) == expected


@pytest.mark.parametrize("last", ["[]", "{}", "null", '"x"', "[[]]", "[1]", '{"0":"x"}'])
def test_a_place_that_only_an_overridden_value_has_is_no_place(last: str) -> None:
    with pytest.raises(PayloadError) as caught:
        splice(f'{{"m":["x"],"m":{last}}}'.encode(), {("m", 0): "NEW"})
    assert caught.value.where == "m[0]"


def test_a_place_deep_in_an_overridden_value_is_no_place() -> None:
    with pytest.raises(PayloadError, match="no such place"):
        splice(b'{"m":{"a":{"b":"x"}},"m":{"a":{}}}', {("m", "a", "b"): "NEW"})


@pytest.mark.parametrize(
    ("old", "text", "new"),
    [
        ('"x"', "é", '"é"'),
        ('"é"', "ü", '"ü"'),
        (r'"\u00e9"', "ü", r'"\u00fc"'),
        (r'"\u00e9"', "a ü\U0001f642", r'"a \u00fc\ud83d\ude42"'),
        (r'"\u00e9"', "\x7f", '"\x7f"'),
        (r'"\u00e9"', r"ü \u00fc", r'"\u00fc \\u00fc"'),
        (r'"é\u00e9"', "ü", '"ü"'),
        (r'"\u0041\n"', "ü", '"ü"'),
        (r'"\ud83d"', "ü", '"ü"'),
        ('"x"', "\ud83d", r'"\ud83d"'),
        ('"x"', "é\ude42", r'"é\ude42"'),
        ('"x"', "\ud83d\ude42", '"\U0001f642"'),
        ('"x"', '\0\x1f\b\f\n\r\t"\\', r'"\u0000\u001f\b\f\n\r\t\"\\"'),
        (r'"<\/p>"', "</b>", '"</b>"'),
        (r'"\u003cp>"', "<b>\u2028", '"<b>\u2028"'),
        ('"x"', "", '""'),
        ('"x"', "\ufeff", '"\ufeff"'),
    ],
)
def test_a_new_text_is_spelt_as_short_as_its_style_allows(old: str, text: str, new: str) -> None:
    assert splice(f'{{"a":{old}}}'.encode(), {("a",): text}) == f'{{"a":{new}}}'.encode()


@pytest.mark.parametrize(
    ("old", "text"),
    [(r'"\u0041"', "A"), (r'"\/"', "/"), (r'"\ud83d\ude42"', "\U0001f642"), (r'"\ud83d"', "\ud83d"), ('""', "")],
)
def test_a_text_that_was_spelt_otherwise_is_left_as_it_was(old: str, text: str) -> None:
    body = f"[{old}]".encode()
    assert splice(body, {(0,): text}) is body


def test_two_surrogates_side_by_side_are_the_character_that_json_makes_of_them() -> None:
    body = '["\U0001f642"]'.encode()
    assert splice(body, {(0,): "\ud83d\ude42"}) is body


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", 0),
        (b"  ", 2),
        (b"{", 1),
        (b'{"a"', 4),
        (b'{"a":', 5),
        (b'{"a":"x', 7),
        (b'{"a":"x"', 8),
        (b'{"a":"x",}', 9),
        (b'{"a":"x"]', 8),
        (b'{"a":"x" "b":1}', 9),
        (b'{"a":"x"} 1', 10),
        (b'{"a":"x"}{"a":"y"}', 9),
        (b'{"a" "x"}', 5),
        (b"{'a':'x'}", 1),
        (b'{a:"x"}', 1),
        (b'{"a":"x\n"}', 7),
        (b'{"a":"x\\q"}', 7),
        (b'{"a":"x\\u12g4"}', 7),
        (b'{"b\t":1,"a":"x"}', 3),
        (b'{"b":01,"a":"x"}', 6),
        (b'{"b":1.,"a":"x"}', 6),
        (b'{"b":.5,"a":"x"}', 5),
        (b'{"b":+1,"a":"x"}', 5),
        (b'{"b":nil,"a":"x"}', 5),
        (b'{"b":[1,"a":"x"}', 15),
        (b'{"b":["\\x"],"a":"x"}', 7),
        (b'{"b":[{]},"a":"x"}', 7),
        (b'{"b":[[', 7),
        (b'{"a":"\xff"}', 6),
        (b'{"b":"\xed\xa0\xbd","a":"x"}', 6),
        ('{"a":"x"}'.encode("utf-16-le"), 1),
        (b'{"a":"x"}\x00', 9),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"a":"x"}', 3),
        (b'{"a":\xc2\xa0"x"}', 5),
    ],
)
def test_what_is_not_json_is_refused_with_its_byte(body: bytes, place: int) -> None:
    with pytest.raises(PayloadError) as caught:
        splice(body, {("a",): "new"})
    assert caught.value.where == f"byte {place}"


@pytest.mark.parametrize("body", [b"[,]", b"[1,]", b'["x",,"y"]', b'["x" "y"]', b'{"a":["x"],,}', b'["x":1]'])
def test_a_comma_too_many_or_too_few_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="byte"):
        splice(body, {(0,): "new", ("a", 0): "new"})


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ((), "only a text"),
        (("m",), "only a text"),
        (("n",), "only a text"),
        (("m", 1), "only a text"),
        (("o",), "only a text"),
        (("x",), "no such place"),
        (("m", 2), "no such place"),
        (("m", -1), "no such place"),
        (("m", "0"), "no such place"),
        ((0,), "no such place"),
        (("m", 0, 0), "no such place"),
        (("n", "a"), "no such place"),
    ],
)
def test_a_ref_that_leads_to_no_text_is_refused(ref: Ref, message: str) -> None:
    body = b'{"m":["x",null],"n":12,"o":{"type":"image"},"0":"y"}'
    with pytest.raises(PayloadError, match=message):
        splice(body, {("m", 0): "fine", ref: "new"})


BREAK = b'{ "type":"ephemeral", "ttl" : "1h"}'


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (b'{"type":"image","source":{"data":"AAAA"}}', b'{"type":"text","text":"[image]"}'),
        (b'{ "image_url" : {"url":"u"},\n "type" : "image_url" }', b'{"type":"text","text":"[image]"}'),
        (b'{"type":"\\u0069nput_image","image_url":"u"}', b'{"type":"input_text","text":"[image]"}'),
        (b'{"type":"text","type":"image"}', b'{"type":"text","text":"[image]"}'),
        (
            b'{"cache_control" : ' + BREAK + b' ,"type":"image"}',
            b'{"type":"text","text":"[image]","cache_control":' + BREAK + b"}",
        ),
        (
            b'{"type":"input_image","prompt_cache_breakpoint":' + BREAK + b"}",
            b'{"type":"input_text","text":"[image]","prompt_cache_breakpoint":' + BREAK + b"}",
        ),
        (
            b'{"type":"image","cache_control":1,"cache_control":' + BREAK + b"}",
            b'{"type":"text","text":"[image]","cache_control":' + BREAK + b"}",
        ),
        (b'{"type":"image","cache_control":null}', b'{"type":"text","text":"[image]"}'),
    ],
)
def test_an_image_part_becomes_a_text_part_with_the_bytes_of_its_breakpoint(image: bytes, text: bytes) -> None:
    body = b'[ {"content" : ["\\u0061", ' + image + b" , 1e5]}]"
    edits: dict[Ref, str] = {(0, "content", 1): "[image]"}
    made = splice(body, edits)
    assert made == b'[ {"content" : ["\\u0061", ' + text + b" , 1e5]}]"
    assert json.loads(made) == apply(json.loads(body), edits)
    assert splice(body, {(0, "content", 1): ""}) is body


@pytest.mark.parametrize(
    "value", ['{"type":"text","text":"x"}', '{"type":["image"]}', '{"type":null}', '{"source":{}}', "{}", "[]", "1"]
)
def test_nothing_but_a_text_or_an_image_part_is_replaced(value: str) -> None:
    with pytest.raises(PayloadError, match="only a text or an image") as caught:
        splice(f'[{{"content":[{value}]}}]'.encode(), {(0, "content", 0): "new"})
    assert caught.value.where == "[0].content[0]"


def test_an_image_that_is_not_one_part_of_a_list_is_not_replaced() -> None:
    with pytest.raises(PayloadError, match="only a text or an image"):
        splice(b'{"output":{"type":"input_image","image_url":"u"}}', {("output",): "new"})


def test_an_image_is_not_replaced_both_whole_and_in_part() -> None:
    with pytest.raises(PayloadError, match="whole or not at all"):
        splice(b'[{"type":"image","source":{"data":"A"}}]', {(0,): "new", (0, "source", "data"): "B"})


DEEP = 100_000


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_depth_is_no_danger_beside_the_path(pair: tuple[str, str]) -> None:
    nest = (pair[0] * DEEP + "1" + pair[1] * DEEP).encode()
    assert splice(b'{"b":' + nest + b',"a":"x"}', {("a",): "y"}) == b'{"b":' + nest + b',"a":"y"}'
    with pytest.raises(PayloadError, match="byte"):
        splice(b'{"b":' + nest[: len(nest) // 2] + b',"a":"x"}', {("a",): "y"})


def test_depth_is_no_danger_along_the_path() -> None:
    body = b"[" * DEEP + b'"x"' + b"]" * DEEP
    assert splice(body, {(0,) * DEEP: "y"}) == b"[" * DEEP + b'"y"' + b"]" * DEEP


HARD = (
    (b'{"a":"', b"\\\\", b""),
    (b'{"a":"', b"\\u0041", b"\\"),
    (b'{"a":', b"1", b"x"),
    (b'{"a":', b'["x",', b""),
    (b'{"a":', b'["', b""),
    (b"", b" ", b"x"),
    (b'{"a":"x"', b" ", b"x"),
    (b"", b'{"a":"x",', b""),
    (b"", b'{"m":["x"],', b""),
)


@pytest.mark.parametrize(("head", "unit", "tail"), HARD, ids=range(len(HARD)))
def test_bodies_made_to_be_slow_are_refused_in_linear_time(head: bytes, unit: bytes, tail: bytes) -> None:
    def refused(body: bytes) -> bool:
        with pytest.raises(PayloadError):
            splice(body, {("a",): "new", ("m", 0): "new"})
        return True

    assert assert_linear(refused, lambda size: head + unit * (size // len(unit)) + tail, 50_000)


def test_many_equal_keys_take_linear_time() -> None:
    def repeated(size: int) -> bytes:
        return b"{" + b'"m":["x","x"],' * size + b'"m":["x","y"]}'

    def spliced(body: bytes) -> bytes:
        return splice(body, {("m", 0): "new", ("m", 1): "new"})

    assert assert_linear(spliced, repeated, 5_000) == repeated(20_000)[:-10] + b'["new","new"]}'


def test_many_edits_are_spliced_in_linear_time() -> None:
    def edited(size: int) -> tuple[bytes, dict[Ref, str]]:
        messages = [{"role": "tool", "content": f'{number} line\n\t"é" ' * 300} for number in range(size)]
        edits: dict[Ref, str] = {("messages", number, "content"): f"short {number}" for number in range(size)}
        return json.dumps({"messages": messages}).encode(), edits

    made = assert_linear(lambda given: splice(*given), edited, 75)
    assert json.loads(made)["messages"][299] == {"role": "tool", "content": "short 299"}
