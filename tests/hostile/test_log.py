"""A peer that wants the disk full of log lines: a flood of refused logins is told in a few."""

import io
import logging

from pamqp import commands

from amqp_server.net.log_flood import PERIOD_S
from amqp_server.net.log_output import LogOutput
from tests.support.frames import PROTOCOL_HEADER, method_frame
from tests.support.peer import Node

LOGINS_COUNT = 500
LINES_MAX = 20


def test_a_flood_of_refused_logins_is_a_few_lines_and_their_number() -> None:
    stream = io.StringIO()
    output = LogOutput(stream, LINES_MAX)
    logger = logging.getLogger("amqp_server")
    logger.addHandler(output)
    try:
        node = Node()
        for number in range(LOGINS_COUNT):
            peer = node.connect()
            log_in = method_frame(
                0,
                commands.Connection.StartOk,
                mechanism="PLAIN",
                response=b"\0guest\0guess %d" % number,
                locale="en_US",
            )
            peer.send_bytes(PROTOCOL_HEADER + log_in)
            peer.connection.receive_eof(node.now_ms)
    finally:
        logger.removeHandler(output)
        output.close()
    lines = stream.getvalue().splitlines()
    refused = [line for line in lines if "login refused peer=" in line and "suppressed" not in line]
    assert len(refused) == LINES_MAX
    told = f"suppressed lines={LOGINS_COUNT - LINES_MAX} within_s={PERIOD_S} format='login refused"
    assert any(told in line for line in lines)
    assert "guess" not in stream.getvalue(), "what was tried is nobody's business"
