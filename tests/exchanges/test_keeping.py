from exchanges.bindings import DestinationKind
from exchanges.keeping import KEEP_COPY, KEEP_INSTEAD, exchange_of_keeper, is_keeper, keeper_name


def test_a_keeper_has_a_name_that_no_queue_can_have() -> None:
    for exchange in ("", "x", "x" * 255, "é" * 127):
        for to in (KEEP_COPY, KEEP_INSTEAD):
            name = keeper_name(exchange, to.name)
            assert len(name.encode()) > 255
            assert is_keeper(name)
            assert exchange_of_keeper(name, to) == exchange


def test_a_copy_and_the_message_itself_go_to_different_keepers() -> None:
    assert exchange_of_keeper(keeper_name("x", KEEP_COPY.name), KEEP_INSTEAD) is None
    assert {KEEP_COPY.kind, KEEP_INSTEAD.kind} == {DestinationKind.KEEPER}


def test_the_names_of_queues_are_no_keeper_s() -> None:
    for queue in ("", "q", "." * 255, "copy"):
        assert not is_keeper(queue)
        assert exchange_of_keeper(queue, KEEP_COPY) is None
