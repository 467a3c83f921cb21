"""What holds for a body, what cannot be told, and that no test of a body takes long."""

import gzip
import json

import pytest

from amqp_server.broker.messages import json_test as module
from amqp_server.broker.messages.json_test import BODY_BYTES_MAX, JsonTest

ORDER = {
    "id": 7,
    "total": 129.5,
    "odd key": 1,
    "note": None,
    "paid": True,
    "customer": {"id": "kestrel", "tags": ["a", "b"]},
    "items": [{"sku": "x", "price": 5}, {"sku": "y", "price": 20}, {"sku": "z", "price": 20}],
}


def holds(text: str, body: object = ORDER) -> bool | None:
    return JsonTest(text).holds_in(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ("$.total > 100", True),
        ("$.total > 200", False),
        ("$.total < 130 && $.total <= 129.5 && $.total >= 129.5", True),
        ("$.customer.id == 'kestrel'", True),
        ("$.customer.id != 'kestrel'", False),
        ("$.customer.id < 'l'", True),
        ("$.note == null", True),
        ("$.paid == true", True),
        ("$.paid == 1", False),
        ("$.paid > 0", False),
        ("$.missing", False),
        ("!$.missing", True),
        ("$.total > '100'", False),
        ("$.items[*].price >= 20", True),
        ("$.total > 200 || $.id == 7 && $.note == null", True),
        ("($.total > 200 || $.id == 7) && $.missing", False),
        ("$.customer.tags == $.customer.tags", True),
        ("$['odd key'] == 1.0", True),
        ("$.items[-1].sku == 'z'", True),
        ("$.items[3]", False),
        ("$.items[1:].sku == 'x'", False),
        ("$.items[::-1].sku == 'x'", True),
        ("$.items[::0]", False),
        ("$..sku == 'y'", True),
        ("$.items[?(@.price > 10 && @.sku == 'z')]", True),
        ("$.items[?@.price == $.items[1].price].sku == 'x'", False),
        ("$.items.sku", False),
        ("$.__class__", False),
        ("$.id.x", False),
    ],
)
def test_a_test_holds_or_not(text: str, is_true: bool) -> None:
    assert holds(text) is is_true


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b'{"a":1',
        b"\xff\xfe",
        b"NaN",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"1" * 60_000,
        b'"' + b"x" * BODY_BYTES_MAX + b'"',
        gzip.compress(b" " * (1 << 24), mtime=0),
        gzip.compress(b"{}", mtime=0)[:11],
        b"\x1f\x8bno gzip",
    ],
)
def test_of_what_is_no_json_or_too_much_of_it_nothing_is_told(body: bytes) -> None:
    assert JsonTest("$.a").holds_in(body) is None


def test_a_packed_body_is_unpacked() -> None:
    assert JsonTest("$.total > 100").holds_in(gzip.compress(b'{"total": 200}')) is True
    assert JsonTest("$.total > 100").holds_in(memoryview(b'{"total": 2}')) is False


@pytest.mark.parametrize(
    "text",
    [
        "$..*",
        "$..*..*..*..*",
        "$..[?@..[?@..*]]",
        "$[?@ == $[1] || $[2] == @]",
        "$[*] == $[*]",
        "$[0:] < $[0:]",
        "$[0,0,0,0,0,0][*]",
    ],
)
def test_a_test_that_is_made_to_take_long_ends(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    usual = module._Evaluation._step

    def counted(evaluation: module._Evaluation, count: int = 1) -> None:
        steps.append(count)
        usual(evaluation, count)

    monkeypatch.setattr(module._Evaluation, "_step", counted)
    assert holds(text, [[index, [index]] for index in range(4_500)]) is None
    assert len(steps) <= module.STEPS_MAX + 1


def test_a_long_body_is_no_matter_where_the_path_is_short() -> None:
    assert holds("$[9000] == 9000", list(range(9_001))) is True
