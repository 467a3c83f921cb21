"""Unroutable mandatory messages go back one by one, in the order of publishing."""

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.returns import write_returns
from amqp_server.wire.content import render_return
from tests.support.records import record, run_of


def test_only_what_reached_no_queue_goes_back() -> None:
    outbox = Outbox(1_000, lambda: None)
    write_returns(outbox, 3, run_of(b"a", b"b", b"c"), (0, 2), 4_096)
    expected = [render_return(3, 312, "NO_ROUTE", record(body), 4_096) for body in (b"a", b"c")]
    assert outbox.take() == expected
