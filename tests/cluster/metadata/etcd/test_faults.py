import pytest

from cluster.metadata.etcd.faults import Fault, Meaning, fault_in

CASES = [
    ("etcdserver: requested lease not found", 5, Meaning.LEASE_GONE),
    ("etcdserver: mvcc: required revision has been compacted", 11, Meaning.COMPACTED),
    ("etcdserver: invalid auth token", 16, Meaning.LOGIN),
    ("auth: revision in header is old", 3, Meaning.LOGIN),
    ("unknown", 16, Meaning.LOGIN),
    ("etcdserver: permission denied", 7, Meaning.REFUSED),
    ("etcdserver: mvcc: database space exceeded", 8, Meaning.UNSURE),
    ("etcdserver: too many requests", 8, Meaning.ELSEWHERE),
    ("etcdserver: duplicate key given in txn request", 3, Meaning.REFUSED),
    ("etcdserver: leader changed", 14, Meaning.UNSURE),
    ("etcdserver: request timed out", 14, Meaning.UNSURE),
    ("etcdserver: no leader", 14, Meaning.UNSURE),
    ("context deadline exceeded", 4, Meaning.UNSURE),
    ("anything", 2, Meaning.UNSURE),
]


@pytest.mark.parametrize(("text", "code", "meaning"), CASES)
def test_what_errors_mean(text: str, code: int, meaning: Meaning) -> None:
    fields = {"error": text, "message": text, "code": code}
    assert fault_in(400, fields) == Fault(meaning, text)
    assert fault_in(400, {"code": code, "message": text}) == Fault(meaning, text)


def test_a_good_answer_has_none() -> None:
    assert fault_in(200, {"header": {}}) is None


def test_an_answer_of_something_else_says_nothing() -> None:
    assert fault_in(502, {}) == Fault(Meaning.UNSURE, "HTTP status 502")


def test_an_error_within_a_stream_decides_nothing_but_what_its_text_says() -> None:
    for name in ("grpc_code", "code"):
        fault = fault_in(200, {"error": {name: 3, "message": "odd"}})
        assert fault == Fault(Meaning.UNSURE, "odd")
