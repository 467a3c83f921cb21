"""The exit statuses of ``haremq``, which tell a service manager what went wrong.

The numbers from 64 on are those of sysexits.h, which systemd shows by name (``64/USAGE``).
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.errors import BrokerError
from amqp_server.cluster_files import ClusterFilesError
from amqp_server.net.descriptors import TooFewDescriptorsError
from amqp_server.net.listener import ListenError
from amqp_server.net.tls import TlsFilesError
from persistence.errors import StorageError

OK: Final = 0
"""No error; a node stopped because it was told to."""

FAILED: Final = 1
"""An error without a number of its own: a bug, or a kernel that cannot be loaded."""

DISK_FAILED: Final = 2
"""The disk failed while the node ran."""

USAGE: Final = 64
"""The command line is wrong."""

UNAVAILABLE: Final = 69
"""An address cannot be used: taken, not of this host, or not allowed for this user."""

SYSTEM: Final = 71
"""The system allows too few file descriptors."""

DATA_DIRECTORY: Final = 74
"""The data directory cannot be used: in use, another user's, damaged, or a disk error."""

CONFIGURATION: Final = 78
"""The settings file, or a file that it names (certificates, definitions, a secret), is
wrong."""

_OF_ERRORS: Final[Mapping[type[Exception], int]] = {
    BrokerError: CONFIGURATION,
    ClusterFilesError: CONFIGURATION,
    DefinitionsError: CONFIGURATION,
    TlsFilesError: CONFIGURATION,
    ListenError: UNAVAILABLE,
    TooFewDescriptorsError: SYSTEM,
    StorageError: DATA_DIRECTORY,
    OSError: DATA_DIRECTORY,
}

EXPECTED_ERRORS: Final = tuple(_OF_ERRORS)
"""Errors that keep a node from starting and are for the operator to mend, not bugs."""


def status_of(error: Exception) -> int:
    """Return the exit status of a node that this error kept from starting."""
    found = (status for kind, status in _OF_ERRORS.items() if isinstance(error, kind))
    return next(found, FAILED)
