"""Salted password hashes in RabbitMQ's layout, so that definitions move between brokers.

    stored hash = base64( salt, 4 octets | digest( salt | password in UTF-8 ) )

The layout is RabbitMQ's. One digest over a 32-bit salt is weak, but an exported user must be able
to log in here. A hash is never logged.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

SALT_BYTES: Final = 4
SHA256: Final = "rabbit_password_hashing_sha256"
SHA512: Final = "rabbit_password_hashing_sha512"
MD5: Final = "rabbit_password_hashing_md5"
DEFAULT_ALGORITHM: Final = SHA256

ALGORITHMS: Final = {SHA256: hashlib.sha256, SHA512: hashlib.sha512, MD5: hashlib.md5}
"""RabbitMQ's names of algorithms; files older than 3.6 name none and mean MD5."""


def hash_password(password: str, salt: bytes, algorithm: str = DEFAULT_ALGORITHM) -> str:
    """Return the stored form of a password.

    Args:
        password: as the user types it.
        salt: SALT_BYTES fresh octets (``secrets.token_bytes``).
        algorithm: a key of ALGORITHMS.

    Raises:
        ValueError: the salt has another length, or the algorithm is unknown.

    Source: RabbitMQ, passwords.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} octets, got {len(salt)}")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown hashing algorithm {algorithm!r}")
    return base64.b64encode(salt + _digest(password, salt, algorithm)).decode("ascii")


def verify(password: str, stored_hash: str, algorithm: str) -> bool:
    """Return whether the password was hashed to this; takes a time that reveals nothing.

    An empty password matches no hash, and no password matches an empty or unreadable hash. In
    RabbitMQ both mean that a user cannot log in by password.
    """
    if not password or algorithm not in ALGORITHMS:
        return False
    try:
        stored = binascii.a2b_base64(stored_hash, strict_mode=True)
    except ValueError:  # binascii.Error is one
        return False
    if len(stored) <= SALT_BYTES:
        return False
    salt, digest = stored[:SALT_BYTES], stored[SALT_BYTES:]
    return hmac.compare_digest(_digest(password, salt, algorithm), digest)


def _digest(password: str, salt: bytes, algorithm: str) -> bytes:
    octets = salt + password.encode("utf-8", "surrogateescape")
    return ALGORITHMS[algorithm](octets, usedforsecurity=False).digest()
