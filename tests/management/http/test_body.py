"""Bodies without a key that must be there."""

import pytest

from management.http.body import require_keys
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
