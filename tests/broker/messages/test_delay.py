import pytest

from amqp_server.broker.messages.delay import after_waiting, as_waiting
from amqp_server.wire.tables import Field, longstr
from tests.support.vhosts import headers_of, message


def headers_after(header: bytes) -> dict[str, Field]:
    return headers_of(message(b"m")._replace(header=header))


@pytest.mark.parametrize(
    ("delay", "field"),
    [
        (5, Field("I", -5)),
        ("70", Field("I", -70)),
        (1 << 31, Field("I", -(1 << 31))),
        ((1 << 31) + 1, Field("l", -(1 << 31) - 1)),
    ],
)
def test_a_delay_becomes_negative_in_its_place(delay: object, field: Field) -> None:
    header, found = as_waiting(message(b"m", headers={"a": 1, "x-delay": delay, "b": 2}).header, ())
    assert found == -int(str(field.value))
    headers = headers_after(header)
    assert [*headers] == ["a", "x-delay", "b"]
    assert headers["x-delay"] == field


def test_keys_that_no_header_tells_wait_beside_it() -> None:
    before = message(b"m", headers={"x-delay": 5, "CC": ["c"]})
    header, _ = as_waiting(before.header, ["k", "c", "b"])
    assert headers_after(header)["BCC"] == Field("A", [longstr("b")])
    (after,), keys = after_waiting([before._replace(header=header)])
    assert keys == ("jobs", "c", "b")
    assert "BCC" not in headers_of(after)


def test_without_copies_there_is_one_key() -> None:
    header, _ = as_waiting(message(b"m", headers={"x-delay": 5}).header, ("jobs",))
    assert "BCC" not in headers_after(header)


def test_a_message_gets_its_own_priority_back() -> None:
    waiting = [
        message(body, headers={"x-delay": -5}, priority=7)._replace(priority=200)
        for body in (b"1", b"22")
    ]
    records, keys = after_waiting(waiting)
    assert [record.priority for record in records] == [7, 7]
    assert keys == ("jobs",)
    (plain,), _ = after_waiting([message(b"m", headers={"x-delay": -5})._replace(priority=9)])
    assert plain.priority == 0


def test_bodies_of_different_sizes_keep_their_headers_sizes() -> None:
    waiting = []
    for body in (b"1", b"4444"):
        record = message(body, headers={"x-delay": 5})
        waiting.append(record._replace(header=as_waiting(record.header, ["jobs", "b"])[0]))
    records, _ = after_waiting(waiting)
    assert [int.from_bytes(record.header[4:12], "big") for record in records] == [1, 4]
