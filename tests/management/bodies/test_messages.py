"""Values of headers in JSON, as RabbitMQ writes them."""

import pytest

from management.bodies.messages import header_value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "undefined"),
        ((2, 1234), 2.1234),
        (b"abc", "abc"),
        (b"\x00\x01\xffA", "Not UTF-8, base64 is: AAH/QQ=="),
        ("\udcff", "Not UTF-8, base64 is: /w=="),
        ([1, {"a": None}], [1, {"a": "undefined"}]),
        (True, True),
    ],
)
def test_what_json_has_not(value: object, shown: object) -> None:
    assert header_value(value) == shown
