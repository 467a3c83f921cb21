import pytest

from exchanges.basis import Basis
from exchanges.bindings import Binding
from exchanges.errors import InvalidBindingError
from exchanges.kinds import make_kind
from tests.support.routing import binding, bound, matched, queue

KIND = "x-super-stream"


def partition(number: int, key: str = "", name: str = "") -> Binding:
    return binding(queue(name or f"invoices-{number}"), key, {"x-stream-partition-order": number})


# Of each key: murmur3 with seed 104729 of its UTF-8, modulo 1, 2, 3, 5 and 10; computed with PyPI's
# mmh3. The hash strategies of the Java, Go and .NET stream clients say the same.
@pytest.mark.parametrize(
    ("key", "partitions"),
    [
        ("0", {1: 0, 2: 1, 3: 2, 5: 0, 10: 5}),
        ("5", {1: 0, 2: 1, 3: 2, 5: 1, 10: 1}),
        ("hello1", {1: 0, 2: 0, 3: 1, 5: 0, 10: 0}),
        ("invoice-1", {1: 0, 2: 0, 3: 0, 5: 1, 10: 6}),
        ("device-00042", {1: 0, 2: 0, 3: 1, 5: 3, 10: 8}),
        ("Zürich", {1: 0, 2: 1, 3: 1, 5: 3, 10: 3}),
        ("兎", {1: 0, 2: 0, 3: 0, 5: 2, 10: 2}),
        ("", {1: 0, 2: 0, 3: 1, 5: 1, 10: 6}),
    ],
)
def test_a_key_goes_where_stream_clients_place_it(key: str, partitions: dict[int, int]) -> None:
    for count, number in partitions.items():
        kind = bound(KIND, *(partition(each) for each in range(count)))
        assert matched(kind, key) == [queue(f"invoices-{number}")]


def test_partitions_are_in_the_order_of_their_argument() -> None:
    backwards = [partition(9 - each, "0", name=f"p{each}") for each in range(10)]
    assert matched(bound(KIND, *backwards), "hello1") == [queue("p9")]


def test_numbers_need_not_begin_with_0_nor_be_without_gaps() -> None:
    kind = bound(KIND, partition(7), partition(100), partition(9))
    assert matched(kind, "0") == [queue("invoices-100")], "the third of three"


def test_a_number_of_more_digits_is_greater() -> None:
    kind = bound(KIND, *(partition(each) for each in range(11)))
    assert matched(kind, "") == [queue(f"invoices-{3329588566 % 11}")]


def test_without_the_argument_the_binding_key_is_the_number() -> None:
    kind = bound(KIND, *(binding(queue(f"invoices-{each}"), str(each)) for each in range(5)))
    assert matched(kind, "device-00042") == [queue("invoices-3")]


def test_the_argument_goes_before_the_key() -> None:
    by_argument = [partition(each, str(4 - each)) for each in range(5)]
    assert matched(bound(KIND, *by_argument), "device-00042") == [queue("invoices-3")]


def test_a_partition_that_goes_leaves_the_others_in_order() -> None:
    kind = bound(KIND, *(partition(each) for each in range(4)))
    kind.unbind(partition(1))
    assert matched(kind, "0") == [queue("invoices-3")]
    for each in (0, 2, 3):
        kind.unbind(partition(each))
    assert matched(kind, "0") == []


@pytest.mark.parametrize("order", [-1, "1", 1.0, True, None, [("I", 1)]])
def test_a_number_that_is_none_is_refused(order: object) -> None:
    with pytest.raises(InvalidBindingError, match="x-stream-partition-order must be an integer"):
        make_kind(KIND).validate("0", {"x-stream-partition-order": order})


@pytest.mark.parametrize("key", ["", "emea", "-1", "1.0", "0x1", "1\n"])
def test_a_binding_without_a_number_is_refused(key: str) -> None:
    with pytest.raises(InvalidBindingError) as refusal:
        make_kind(KIND).validate(key, {"other": 1})
    assert "needs the argument x-stream-partition-order" in str(refusal.value)


def test_the_key_is_looked_at_once_and_no_header() -> None:
    assert bound(KIND).basis is Basis.KEY
    assert not bound(KIND).takes_every_key
