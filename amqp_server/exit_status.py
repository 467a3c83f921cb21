"""The exit statuses of ``haremq``: what went wrong, for a service manager that sees nothing else.

The numbers from 64 on are those of sysexits.h, which systemd shows by name (``64/USAGE``).
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.errors import BrokerError
from amqp_server.net.descriptors import TooFewDescriptorsError
from amqp_server.net.listener import ListenError
from amqp_server.net.tls import TlsFilesError
from persistence.errors import StorageError

OK: Final = 0
"""All went well; a node stopped because it was told to."""

FAILED: Final = 1
"""Anything that has no number of its own: a bug, a kernel that cannot be loaded."""

DISK_FAILED: Final = 2
"""The disk failed while the node ran."""

USAGE: Final = 64
"""The command line is wrong."""

UNAVAILABLE: Final = 69
"""An address cannot be listened on: taken, not of this host, or not for this user."""

SYSTEM: Final = 71
"""The system allows too little: file descriptors."""

DATA_DIRECTORY: Final = 74
"""The data directory cannot be used: in use, another's, damaged, or its disk refuses."""

CONFIGURATION: Final = 78
"""The settings file, or a file that it names (certificates, definitions), is wrong."""

_OF_ERRORS: Final[Mapping[type[Exception], int]] = {
    BrokerError: CONFIGURATION,
    DefinitionsError: CONFIGURATION,
    TlsFilesError: CONFIGURATION,
    ListenError: UNAVAILABLE,
    TooFewDescriptorsError: SYSTEM,
    StorageError: DATA_DIRECTORY,
    OSError: DATA_DIRECTORY,
}

EXPECTED_ERRORS: Final = tuple(_OF_ERRORS)
"""What keeps a node from starting and is the operator's matter, not a bug."""


def status_of(error: Exception) -> int:
    """Return the exit status of a node that this error kept from starting."""
    found = (status for kind, status in _OF_ERRORS.items() if isinstance(error, kind))
    return next(found, FAILED)
