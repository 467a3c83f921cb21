"""The words of shapes: what they mean, and that all are known."""

import pytest

from management.shapes import SHAPES
from management.shapes.words import BOUNDS, alternatives, fields_of, schema_of


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        ("string", ["string"]),
        ("count|null", ["count", "null"]),
        ("=AMQP 0-9-1|=stream", ["=AMQP 0-9-1", "=stream"]),
        ("[u16|null]", ["[u16|null]"]),
        ("{[count]}|null", ["{[count]}", "null"]),
    ],
)
def test_alternatives_are_told_apart(word: str, allowed: list[str]) -> None:
    assert alternatives(word) == allowed


def test_a_number_with_details_is_two_fields() -> None:
    assert list(fields_of({"messages": "count+", "policy?": "string|null"})) == [
        ("messages", "count", True),
        ("messages_details", "@rate", True),
        ("policy", "string|null", False),
    ]


def test_a_schema_has_bounds_and_what_must_be_there() -> None:
    shape = {"a": "u16", "b?": "=x|=y", "c": "[@rate]", "d?": "share", "e?": "any"}
    whole = schema_of(shape)
    assert whole["required"] == ["a", "c"]
    assert whole["properties"] == {
        "a": {"type": "integer", "minimum": 0, "maximum": 65_535},
        "b": {"type": "string", "enum": ["x", "y"]},
        "c": {"type": "array", "items": {"$ref": "#/components/schemas/rate"}},
        "d": {"type": "number", "minimum": 0, "maximum": 1},
        "e": {},
    }
    assert "required" not in schema_of(shape, is_body=True)


def test_every_word_of_a_shape_is_known() -> None:
    plain = {"string", "boolean", "object", "array", "any", "null", "number", "share", *BOUNDS}

    def check(word: str) -> None:
        for each in alternatives(word):
            if each[0] == "@":
                assert each[1:] in SHAPES, word
            elif each[0] in "[{":
                check(each[1:-1])
            else:
                assert each in plain or each[0] == "=", word

    for shape in SHAPES.values():
        for _, word, _ in fields_of(shape):
            check(word)
