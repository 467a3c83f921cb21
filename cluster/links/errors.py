"""Why a link ends. The text says it in words, and goes into the log and to the other node."""

from typing import Final

MISFIT: Final = "this does not fit: "
"""What a goodbye begins with where a side has not understood the other one. Nodes of two releases
that differ too much tell each other so, and do not try again and again."""


class LinkError(Exception):
    """The other node, or what is between, broke the rules of a link: the connection ends."""


class PayloadGoneError(Exception):
    """The log does not have the records any more that wait for a mirror: it attaches anew (R4)."""
