"""What is in the envelopes of an asking link, and the bounds. Numbers are little-endian.

    QUESTION      number u32 | state u8 | a part of: subject_bytes u8 | subject | octets
    ANSWER        number u32 | state u8 | a part of the octets

Parts of several questions or answers may come in turn; those of one come in order. The state says
whether more follows, and whether an answer is a refusal: its octets are a text then.
"""

from enum import IntEnum
from struct import Struct
from typing import Final

from cluster.links.settings import KIB, MIB

QUESTION: Final = 80
ANSWER: Final = 81

PART: Final = Struct("<IB")

PART_BYTES: Final = 128 * KIB
"""Octets in one envelope: the longest that a short answer waits for a long one."""

QUESTION_BYTES_MAX: Final = 4 * MIB
ANSWER_BYTES_MAX: Final = 16 * MIB

OPEN_MAX: Final = 32
"""Questions of a link without an answer."""

COMING_BYTES_MAX: Final = 32 * MIB
"""Octets of one link in questions or answers that are not whole yet."""

ABOUT_BYTES_MAX: Final = 64


class State(IntEnum):
    """What follows a part."""

    MORE = 0
    LAST = 1
    LAST_OF_REFUSAL = 2
