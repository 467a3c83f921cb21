"""What is derived from the secret of a cluster, so that a node with another one does not join it.

Links refuse each other where the secrets differ. A node that nobody can reach would still get
replicas, and each of them would make confirms wait until it is taken out of the in-sync set. So the
store has what tells secrets apart, and not the secret. Its derivation is slow: who reads the store
and wants to find the secret has to pay that for each guess.
"""

import hashlib
from typing import Final

ROUNDS: Final = 200_000
_SALT: Final = b"haremq secret of the cluster "


def secret_check_of(secret: bytes, cluster: str) -> bytes:
    """Return the value of ``meta/secret_check`` for a secret, in hexadecimal digits.

    Args:
        secret: of the cluster; empty where certificates alone count, and so is what is returned.
        cluster: its name.
    """
    if not secret:
        return b""
    salt = _SALT + cluster.encode("utf-8", "surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", secret, salt, ROUNDS).hex().encode("ascii")
