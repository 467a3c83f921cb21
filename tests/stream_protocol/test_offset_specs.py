"""Offset specifications as they are written."""

import pytest

from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.fields import I64, U16, U64, Fields
from amqp_server.stream_protocol.offset_specs import offset_spec
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec


@pytest.mark.parametrize(
    ("octets", "spec"),
    [
        (U16.pack(0), None),
        (U16.pack(1), FIRST),
        (U16.pack(2), LAST),
        (U16.pack(3), NEXT),
        (U16.pack(4) + U64.pack(9), OffsetSpec(OffsetKind.OFFSET, 9)),
        (U16.pack(4) + U64.pack(2**64 - 1), OffsetSpec(OffsetKind.OFFSET, 2**62 - 1)),
        (U16.pack(5) + I64.pack(-1), OffsetSpec(OffsetKind.TIMESTAMP, -1)),
    ],
)
def test_specifications(octets: bytes, spec: OffsetSpec | None) -> None:
    assert offset_spec(Fields(octets)) == spec


@pytest.mark.parametrize("octets", [b"", U16.pack(6), U16.pack(4), U16.pack(5) + b"\0"])
def test_what_is_none_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedFrameError):
        offset_spec(Fields(octets))
