"""What goes wrong with the other broker."""

from amqp_server.shovels.errors import ChannelClosedError


def test_a_closed_channel_has_its_code() -> None:
    error = ChannelClosedError(404, "NOT_FOUND")
    assert (error.code, str(error)) == (404, "404 NOT_FOUND")
