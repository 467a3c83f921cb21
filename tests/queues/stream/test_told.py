import pytest

from queues.stream.amqp10 import MalformedMessageError
from queues.stream.from_amqp10 import from_amqp10
from queues.stream.told import Told, tell
from tests.support.stream_messages import known_answers

STORED = [bytes.fromhex(answer["message"]) for answer in known_answers("stored")]


@pytest.mark.parametrize("message", STORED)
def test_a_message_is_told_part_by_part(message: bytes) -> None:
    try:
        exchange, routing_key, properties, body = from_amqp10(message)
    except MalformedMessageError:
        with pytest.raises(MalformedMessageError):
            tell(message)
        return
    told = tell(message)
    assert (told.exchange, told.routing_key) == (exchange, routing_key)
    assert (told.properties(b""), told.body) == (properties, body)


def test_the_first_field_stands_before_the_headers() -> None:
    told = Told(b"", headers=b"\x01bV")
    assert told.properties(b"\x01aV") == b"\x20\x00\x00\x00\x00\x06\x01aV\x01bV"
    assert Told(b"").properties(b"") == b"\x00\x00"
    assert not told.is_persistent
    assert told.priority == 0
