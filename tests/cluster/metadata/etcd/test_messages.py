import pytest

from cluster.metadata.errors import AnswerTooLongError
from cluster.metadata.etcd.messages import (
    VALUES_MAX,
    AnswerError,
    change_in,
    fields_of,
    number_in,
    octets_in,
    outcome_in,
    page_in,
    range_request,
    revision_in,
    txn_request,
    watch_request,
)
from cluster.metadata.port import (
    Absent,
    Change,
    CreateRevision,
    Delete,
    Item,
    ModRevision,
    Put,
    Read,
    Refused,
    Transaction,
    Value,
)


def test_a_read_is_linearizable_and_of_now_unless_a_revision_is_named() -> None:
    assert range_request(b"a", b"b", 3, 0) == {"key": "YQ==", "range_end": "Yg==", "limit": 3}
    assert range_request(b"a", b"b", 3, 7)["revision"] == "7"


def test_a_transaction_as_the_gateway_takes_it() -> None:
    transaction = Transaction(
        (ModRevision(b"a", 5), CreateRevision(b"a", 4), Absent(b"a"), Value(b"a", b"v")),
        (Put(b"a", b"v", 9), Put(b"b", b"")),
        (Delete(b"a"), Read(b"a")),
    )
    key = {"key": "YQ=="}
    assert txn_request(transaction) == {
        "compare": [
            key | {"result": "EQUAL", "target": "MOD", "mod_revision": "5"},
            key | {"result": "EQUAL", "target": "CREATE", "create_revision": "4"},
            key | {"result": "EQUAL", "target": "CREATE", "create_revision": "0"},
            key | {"result": "EQUAL", "target": "VALUE", "value": "dg=="},
        ],
        "success": [
            {"request_put": key | {"value": "dg==", "lease": "9"}},
            {"request_put": {"key": "Yg==", "value": ""}},
        ],
        "failure": [{"request_delete_range": key}, {"request_range": key}],
    }


def test_a_watch_asks_for_progress_and_fragments() -> None:
    created = watch_request(b"a", b"b", 5)["create_request"]
    assert created == {
        "key": "YQ==",
        "range_end": "Yg==",
        "start_revision": "5",
        "progress_notify": True,
        "fragment": True,
    }


def test_what_is_absent_is_zero_false_or_empty() -> None:
    header = {"header": {"revision": "3"}}
    assert page_in(header).items == ()
    assert outcome_in(header, Transaction()) == Refused(3)
    put = {"kv": {"key": "YQ==", "mod_revision": "3"}}
    assert change_in(put) == (3, Change(b"a", Item(b"a", b"", 0, 3)))
    assert change_in(put | {"type": "DELETE"}) == (3, Change(b"a", None))


def test_an_answer_without_revision_is_none() -> None:
    with pytest.raises(AnswerError):
        revision_in({})


@pytest.mark.parametrize(("value", "expected"), [(None, 0), ("-1", -1), ("12", 12), (7, 7)])
def test_numbers(value: object, expected: int) -> None:
    assert number_in(value) == expected


@pytest.mark.parametrize(
    "value", ["", "-", "1.5", "+1", " 1", "1" * 5000, 2**63, 1.0, True, [], "\u0661"]
)
def test_no_numbers(value: object) -> None:
    with pytest.raises(AnswerError):
        number_in(value)


@pytest.mark.parametrize("value", ["YQ", "Y Q=", "\u00e9", 1, b""])
def test_no_octets(value: object) -> None:
    with pytest.raises(AnswerError):
        octets_in(value)


def test_no_fields() -> None:
    with pytest.raises(AnswerError):
        fields_of(b"[]")


def test_an_answer_of_too_many_values_is_not_decoded() -> None:
    for value in (b"[]", b"{}", b"0"):
        with pytest.raises(AnswerTooLongError):
            fields_of(b'{"a":[' + b",".join([value] * VALUES_MAX) + b"]}")
    assert fields_of(b'{"a":[' + b",".join([b"0"] * 1_000) + b"]}")["a"] == [0] * 1_000
