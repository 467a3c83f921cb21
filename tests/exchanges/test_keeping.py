from exchanges.bindings import DestinationKind
from exchanges.keeping import KEEP_COPY, KEEP_INSTEAD, exchange_of_keeper, keeper_name


def test_a_keeper_has_a_name_that_no_queue_can_have() -> None:
    for exchange in ("", "x", "x" * 255, "é" * 127):
        assert len(keeper_name(exchange).encode()) > 255
        assert exchange_of_keeper(keeper_name(exchange)) == exchange


def test_the_names_of_queues_are_no_keeper_s() -> None:
    for queue in ("", "q", "." * 255):
        assert exchange_of_keeper(queue) is None


def test_a_copy_and_the_message_itself_are_different_destinations() -> None:
    assert KEEP_COPY != KEEP_INSTEAD
    assert {KEEP_COPY.kind, KEEP_INSTEAD.kind} == {DestinationKind.KEEPER}
