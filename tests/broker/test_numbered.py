"""Numbers of connections: never given twice, gone with the connection."""

from tests.support.peer import Node


def test_a_number_is_one_connections_and_goes_with_it() -> None:
    node = Node()
    first, second = node.open(), node.open()
    numbered = node.broker.numbered
    assert list(numbered.numbers.in_order()) == [1, 2]
    assert numbered.find(1) is first.connection.session
    assert numbered.number_of(second.connection.session) == 2
    first.connection.receive_eof(node.now_ms)
    node.open()
    assert (list(numbered.numbers.in_order()), len(numbered)) == ([2, 3], 2)
    assert (numbered.find(1), numbered.view(1)) == (None, None)
    assert numbered.number_of(first.connection.session) == 0
