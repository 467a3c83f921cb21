"""The CRC32 that stream clients check, of the polynomial of zlib.

This is the interpreted twin, and the specification of ``persistence._crc32``.
"""

import zlib

from persistence.files import Octets
from persistence.kernels import COMPILED


def crc32(octets: Octets, before: int = 0) -> int:
    """Return the CRC32 of octets.

    Args:
        octets: to look at.
        before: the CRC32 of what is before them; 0 where nothing is.
    """
    return zlib.crc32(octets, before)


if COMPILED:
    from persistence import _crc32  # type: ignore[attr-defined]

    crc32 = _crc32.crc32
