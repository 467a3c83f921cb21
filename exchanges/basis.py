"""What the answer of an exchange depends on, besides its bindings."""

from enum import IntEnum


class Basis(IntEnum):
    """What one message has that another may not have.

    Of the exchanges on a way, the greatest value is that of the whole way.

    Attributes:
        KEY: the routing key at most, so an answer may be kept under the route.
        HEADERS: the headers, so an answer holds for messages with an equal content header.
        PROPERTIES: another property; it holds for just as long.
        CHANCE: nothing at all, so each message gets an answer of its own.
    """

    KEY = 0
    HEADERS = 1
    PROPERTIES = 2
    CHANCE = 3
