"""The identity of a disk in a file of its own: written beside the old one, synced, renamed.

cluster-identity    JSON: v, disk, stamp, seen_revision, raising, is_begun
"""

from typing import Final

import orjson

from cluster.node.ports import KeptIdentity
from cluster.replication.identity import DiskIdentity
from persistence.files import Files, write_whole

PATH: Final = "cluster-identity"
BYTES_MAX: Final = 4096
VERSION: Final = 1

_NEW: Final = "cluster-identity.new"
_TYPES: Final = {
    "v": int,
    "disk": str,
    "stamp": int,
    "seen_revision": int,
    "raising": bool,
    "is_begun": bool,
}
_DAMAGED: Final = (
    f"the file {PATH} in the data directory is no identity of version {VERSION}: restore the"
    " directory, or give the node an empty one; it gets all replicas from the other nodes then"
)


class IdentityDamagedError(Exception):
    """The file cannot be read, so nobody knows which replicas this disk has; the text says more."""


def read_identity(files: Files) -> KeptIdentity | None:
    """Return the identity of a disk; None where there is none.

    Raises:
        IdentityDamagedError: the file is no identity, or of another version.
        OSError: the disk refuses.
    """
    if not files.exists(PATH):
        return None
    file = files.open(PATH)
    try:
        octets = file.read_at(0, BYTES_MAX)
    finally:
        file.close()
    # A killed process may have left the name in the page cache alone; it is believed from now on.
    files.fsync_directory()
    return _decoded(octets)


def write_identity(files: Files, kept: KeptIdentity) -> None:
    """Put it in the place of the one before; after a crash it is one of the two, whole.

    Raises:
        OSError: the disk refuses.
    """
    own = kept.identity
    fields = {
        "v": VERSION,
        "disk": own.disk,
        "stamp": own.stamp,
        "seen_revision": own.seen_revision,
        "raising": own.raising,
        "is_begun": kept.is_begun,
    }
    write_whole(files, _NEW, orjson.dumps(fields))
    files.rename(_NEW, PATH)
    files.fsync_directory()


def _decoded(octets: bytes) -> KeptIdentity:
    try:
        fields = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        raise IdentityDamagedError(_DAMAGED) from error
    types = {name: type(value) for name, value in fields.items()} if type(fields) is dict else {}
    if types != _TYPES or fields["v"] != VERSION:
        raise IdentityDamagedError(_DAMAGED)
    identity = DiskIdentity(
        fields["disk"], fields["stamp"], fields["seen_revision"], fields["raising"]
    )
    return KeptIdentity(identity, fields["is_begun"])
