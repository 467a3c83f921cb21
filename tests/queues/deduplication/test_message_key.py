import pytest

from queues.deduplication.message_key import KEY_BYTES_MAX, NOT_KEYED, TTL_MAX_MS, Keyed, KeyFinder
from tests.support.frames import content_header, property_list

KEY = "x-deduplication-header"


def found(headers: dict[str, object] | None = None, name: str = KEY, **properties: object) -> Keyed:
    given = properties if headers is None else {"headers": headers, **properties}
    return KeyFinder(name).find(content_header(5, property_list(**given)))


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("k", b"Sk"),
        ("", b"S"),
        (5, b"I5"),
        (-5, b"I-5"),
        (2**40, b"I%d" % 2**40),
        (True, b"t\1"),
        (1.5, b"D?\xf8\0\0\0\0\0\0"),
        ("x" * KEY_BYTES_MAX, b"S" + b"x" * KEY_BYTES_MAX),
        (None, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_the_key_is_the_value_of_the_header(value: object, key: bytes | None) -> None:
    assert found({KEY: value}) == Keyed(key, None)
    assert found({"a": [1, "b"], "n": {KEY: "inner"}, KEY: value, "z": "z"}) == Keyed(key, None)
    more = found({KEY: value}, content_type="text/plain", content_encoding="gzip", priority=3)
    assert more == Keyed(key, None)


def test_a_long_key_is_its_digest() -> None:
    first, second = found({KEY: "x" * 70_000}).key, found({KEY: "x" * 70_001}).key
    assert first != second
    assert first is not None
    assert len(first) == 33


def test_a_message_without_the_header_has_none() -> None:
    assert found() == found({}) == found({"other": KEY}) == found(content_type=KEY) == NOT_KEYED
    assert found({KEY.upper(): "k", "x" + KEY: "k", "n": {KEY: "k"}}) == NOT_KEYED


def test_the_header_may_have_another_name() -> None:
    assert found({"id": "k", KEY: "j"}, "id") == Keyed(b"Sk", None)
    assert found({"naïve": "k"}, "naïve") == Keyed(b"Sk", None)


@pytest.mark.parametrize(
    ("value", "ttl_ms"),
    [(5, 5), (0, 0), (10**18, TTL_MAX_MS), (-1, None), ("5", None), (1.5, None), (True, None)],
)
def test_how_long_a_key_is_remembered(value: object, ttl_ms: int | None) -> None:
    assert found({KEY: "k", "x-cache-ttl": value}) == Keyed(b"Sk", ttl_ms)
    assert found({"x-cache-ttl": value, KEY: "k"}) == Keyed(b"Sk", ttl_ms)


def test_garbage_has_no_key_and_raises_nothing() -> None:
    whole = content_header(5, property_list(headers={"a": [1], KEY: "key", "z": 2**40}))
    for stop in range(14, len(whole)):
        KeyFinder().find(whole[:stop])
    for at in range(14, len(whole)):
        for octet in (0, 1, 127, 255):
            KeyFinder().find(whole[:at] + bytes((octet,)) + whole[at + 1 :])
