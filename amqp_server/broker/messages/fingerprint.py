"""Tells a message from another one that has its place meanwhile.

A position is never given twice while a queue lives. But a queue may be deleted and declared again,
and a restart forgets transient messages, so a place alone does not say which message was seen.
"""

from hashlib import blake2b
from typing import Final

from persistence.record import Record

BODY_BYTES_MAX: Final = 65_536
"""So much of a body counts, and how long it is."""

_DIGEST_BYTES: Final = 12


def fingerprint(record: Record) -> str:
    """Return 24 hexadecimal digits, of route, header and body."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    body = record.body
    for part in (record.route, record.header, len(body).to_bytes(8, "big")):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    digest.update(body[:BODY_BYTES_MAX])
    return digest.hexdigest()
