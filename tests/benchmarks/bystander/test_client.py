"""What the client listens for."""

from benchmarks.bystander.client import MARKER, MARKER_DECLARED
from load_generator import wire


def test_the_answer_that_ends_a_push_is_found_as_a_broker_writes_it() -> None:
    answer = wire.shortstr(MARKER) + bytes(8)
    assert MARKER_DECLARED in wire.method(1, wire.QUEUE_DECLARE_OK, answer)
