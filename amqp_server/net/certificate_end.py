"""When a certificate ends; the library of TLS does not say that of our own.

    Certificate ::= SEQUENCE { tbs SEQUENCE { [0] version, serial, algorithm, issuer,
                                              validity SEQUENCE { not before, not after }, … } … }

Source: RFC 5280, 4.1; X.690 for the lengths.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_LONG_LENGTH: Final = 0x80
_CENTURY_TURNS_AT: Final = 50
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


def certificate_ends_ms(path: Path) -> int | None:
    """Return when the first certificate of a file ends, in ms since 1970; None is not known."""
    try:
        text = path.read_text("ascii", "replace")
        begin = text.index(_BEGIN)
        pem = text[begin : text.index(_END, begin) + len(_END)]
        return _ends_ms(ssl.PEM_cert_to_DER_cert(pem))
    except (OSError, ValueError, IndexError):
        return None


def _ends_ms(octets: bytes) -> int:
    _, whole, _ = _element(octets, 0)
    _, at, _ = _element(octets, whole)
    tag, _, end = _element(octets, at)
    if tag == _VERSION:
        at = end
    for _ in ("serial", "algorithm", "issuer"):
        _, _, at = _element(octets, at)
    _, not_before, _ = _element(octets, at)
    _, _, not_after = _element(octets, not_before)
    tag, start, end = _element(octets, not_after)
    digits = octets[start:end].decode("ascii").removesuffix("Z")
    if tag == _UTC_TIME:
        digits = ("19" if int(digits[:2]) >= _CENTURY_TURNS_AT else "20") + digits
    ends = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return int(ends.timestamp()) * 1_000


def _element(octets: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of an element, and where its content begins and ends."""
    length, start = octets[at + 1], at + 2
    if length & _LONG_LENGTH:
        count = length - _LONG_LENGTH
        length, start = int.from_bytes(octets[start : start + count], "big"), start + count
    return octets[at], start, start + length
