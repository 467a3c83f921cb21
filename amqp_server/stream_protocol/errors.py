"""What goes wrong on a connection of the stream protocol."""

from amqp_server.stream_protocol.keys import Code


class StreamProtocolError(Exception):
    """The root of all errors here."""


class MalformedFrameError(StreamProtocolError):
    """A frame that no command has: the connection ends with ``UNKNOWN_FRAME``."""


class FrameTooLargeError(StreamProtocolError):
    """A frame above the limit: the connection ends with ``FRAME_TOO_LARGE``."""


class OutOfStepError(StreamProtocolError):
    """A command that may not come now, in the handshake: the socket is closed."""


class RefusedError(StreamProtocolError):
    """A request that is answered with a code; nothing else happens.

    Attributes:
        code: of the answer.
        missing: the name of the stream or super stream that was not found here, or is not served
            here; empty is none. A node of a cluster asks the store for it before it believes that,
            and waits for what it is to lead.
    """

    def __init__(self, code: Code, missing: str = "") -> None:
        super().__init__(code.name)
        self.code = code
        self.missing = missing
