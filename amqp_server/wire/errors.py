"""Errors in the bytes of a peer. ``protocol.replies`` has the reply code of each."""


class WireError(Exception):
    """A peer's bytes break the rules; the text is sent to the peer.

    Attributes:
        method_index: class id << 16 | method id of the offending method; 0 is unknown.
    """

    def __init__(self, explanation: str, method_index: int = 0) -> None:
        super().__init__(explanation)
        self.method_index = method_index


class FrameError(WireError):
    """A frame that cannot be read: too large, a wrong end, an unknown type (501)."""


class BrokenFramingError(FrameError):
    """The start of the next frame is unknown, so nothing more can be read (501)."""


class UnexpectedFrameError(WireError):
    """A frame that is not allowed here, such as a body before its header (505)."""


class MethodSyntaxError(WireError):
    """A table or property list that cannot be decoded (502)."""


class UnknownMethodError(WireError):
    """A method that does not exist, or that a client may not send (503)."""
