"""Numbers of the protocol under the specification's own names (AMQP 0-9-1 §1.4.1, §4.2.3)."""

from typing import Final

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
PROTOCOL_HEADER_0_9: Final = b"AMQP\x01\x01\x00\x09"
PROTOCOL_HEADER_BYTES: Final = 8

FRAME_METHOD: Final = 1
FRAME_HEADER: Final = 2
FRAME_BODY: Final = 3
FRAME_HEARTBEAT: Final = 8
FRAME_END: Final = 0xCE
FRAME_END_OCTET: Final = b"\xce"
FRAME_HEAD_BYTES: Final = 7
FRAME_OVERHEAD_BYTES: Final = 8
FRAME_MIN_BYTES: Final = 4096

FRAME_TOLERANCE_BYTES: Final = 8
"""Frames pass that exceed the limit by this: some clients count wrongly (RabbitMQ)."""

BODY_MAX_BYTES: Final = 536_870_912
"""No message body is larger, whatever the configuration says (RabbitMQ's hard cap)."""

NO_ROUTE: Final = 312
CONNECTION_FORCED: Final = 320
ACCESS_REFUSED: Final = 403
NOT_FOUND: Final = 404
RESOURCE_LOCKED: Final = 405
PRECONDITION_FAILED: Final = 406
FRAME_ERROR: Final = 501
SYNTAX_ERROR: Final = 502
COMMAND_INVALID: Final = 503
CHANNEL_ERROR: Final = 504
UNEXPECTED_FRAME: Final = 505
RESOURCE_ERROR: Final = 506
NOT_ALLOWED: Final = 530
NOT_IMPLEMENTED: Final = 540
INTERNAL_ERROR: Final = 541

CLASS_BASIC: Final = 60
METHOD_ACK: Final = 80
METHOD_NACK: Final = 120
BASIC_PUBLISH: Final = b"\x00\x3c\x00\x28"
BASIC_DELIVER: Final = b"\x00\x3c\x00\x3c"
BASIC_ACK: Final = b"\x00\x3c\x00\x50"

HEARTBEAT_FRAME: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"
