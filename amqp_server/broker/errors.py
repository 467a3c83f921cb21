"""The errors of requests, as facts about the broker, without reply codes.

The text of an error is sent to the client and is RabbitMQ's, byte for byte. ``protocol.replies`` is
the one table of the code and scope of each class.
"""


class BrokerError(Exception):
    """A request cannot be granted; the text tells the client why."""


class AccessRefusedError(BrokerError):
    """The user, or every user, has no right to do this (403 ACCESS_REFUSED)."""


class NotFoundError(BrokerError):
    """The thing that the request names does not exist (404 NOT_FOUND)."""


class ResourceLockedError(BrokerError):
    """It belongs to another connection (405 RESOURCE_LOCKED)."""


class PreconditionFailedError(BrokerError):
    """It exists with other properties, is in use, or an argument is invalid (406)."""


class NameTakenError(PreconditionFailedError):
    """What must be new has a name that is taken (406)."""


class DeletionProtectedError(BrokerError):
    """A vhost that is protected from deletion (HTTP 412)."""


class NotAllowedError(BrokerError):
    """Forbidden by a limit or a rule of the whole connection (530 NOT_ALLOWED)."""


class NotSupportedError(BrokerError):
    """A request of the protocol that RabbitMQ does not implement (540 NOT_IMPLEMENTED)."""


class MechanismError(BrokerError):
    """An authentication mechanism that is unknown or not offered here (503 COMMAND_INVALID)."""


class MalformedCredentialsError(BrokerError):
    """A response the authentication mechanism cannot read (502 SYNTAX_ERROR)."""


class NodeLimitError(BrokerError):
    """All clients together hold more of something than the node has room for (506)."""


class UndecidedError(BrokerError):
    """The metadata store of the cluster did not answer, so nothing can be promised (541)."""


class LoginRefusedError(BrokerError):
    """Wrong credentials, or this user may not log in from there (403, see rabbit_reader)."""


class InvalidMessageError(BrokerError):
    """A publish that RabbitMQ refuses for its properties or its size (406)."""


class ReplyConsumerError(BrokerError):
    """Direct reply-to used against its rules (406)."""


class UnreadableError(BrokerError):
    """The disk did not give back messages that somebody wants to look at; it may do so later."""
