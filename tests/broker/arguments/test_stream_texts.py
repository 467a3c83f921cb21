"""Arguments of a stream that are texts by name."""

import pytest

from amqp_server.broker.arguments.stream_texts import stream_properties
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.wire.tables import Field, longstr


def test_names_and_types_are_those_of_amqp() -> None:
    properties = stream_properties({"max-age": "1h", "max-length-bytes": "-1", "unknown": "x"})
    assert properties.arguments == {
        "x-queue-type": longstr("stream"),
        "x-max-age": longstr("1h"),
        "x-max-length-bytes": Field("l", -1),
    }
    assert (properties.durable, properties.exclusive, properties.auto_delete) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize("text", ["", "many", "1.5", "٣", "9" * 19, "--1"])
def test_a_number_is_a_number(text: str) -> None:
    with pytest.raises(PreconditionFailedError):
        stream_properties({"max-length-bytes": text})
