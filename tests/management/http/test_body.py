"""Bodies without a key that must be there."""

import pytest

from management.http.body import require_keys, text_of, truth_of, words_of
from management.http.errors import HttpError


def refusal(*keys: str) -> object:
    with pytest.raises(HttpError) as refused:
        require_keys({"there": None}, "there", *keys)
    return refused.value.reason


def test_all_missing_keys_are_named() -> None:
    require_keys({"a": None}, "a")
    assert refusal("name") == "[{key_missing,name}]"
    assert refusal("configure", "write") == "[{key_missing,configure},{key_missing,write}]"


def test_a_long_text_is_broken_as_erlang_does() -> None:
    reason = refusal("routing_key", "properties", "payload", "payload_encoding")
    assert str(reason).split("\n ")[:2] == [
        "[{key_missing,routing_key},",
        "{key_missing,properties},",
    ]


def test_truths_may_be_texts() -> None:
    body = {"a": "true", "b": False, "c": "yes"}
    assert [truth_of(body, key, default=True) for key in ("a", "b", "d")] == [True, False, True]
    with pytest.raises(HttpError):
        truth_of(body, "c", default=True)


def test_texts_and_words() -> None:
    body = {"a": "x, y ,", "b": ["x", 1], "c": 5}
    assert (text_of(body, "a"), text_of(body, "z", "w")) == ("x, y ,", "w")
    assert (words_of(body, "a"), words_of(body, "b"), words_of(body, "z")) == (
        ("x", "y"),
        ("x", "1"),
        (),
    )
    for refuse in (text_of, words_of):
        with pytest.raises(HttpError):
            refuse(body, "c")
