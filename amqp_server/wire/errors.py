"""What is wrong with bytes from a peer. ``protocol.replies`` gives each its reply code."""


class WireError(Exception):
    """A peer's bytes break the framing rules; the text is the explanation the peer is sent."""


class FrameError(WireError):
    """A frame that cannot be read: too large, a wrong end, an unknown type (501)."""


class MethodSyntaxError(WireError):
    """A method, table or property list that cannot be decoded (502)."""


class UnknownMethodError(WireError):
    """A method that does not exist, or is not for a client to send (503)."""
