"""What can be wrong with a request, as facts about the broker; no reply codes here.

The text of an error is the explanation the client is sent, byte for byte RabbitMQ's;
``protocol.replies`` is the one table that gives each class its code and scope.
"""


class BrokerError(Exception):
    """A request cannot be granted; the text says why, to the client."""


class AccessRefusedError(BrokerError):
    """The user has no right to do this, or nobody has (403 ACCESS_REFUSED)."""


class NotFoundError(BrokerError):
    """What the request names does not exist (404 NOT_FOUND)."""


class ResourceLockedError(BrokerError):
    """It belongs to another connection (405 RESOURCE_LOCKED)."""


class PreconditionFailedError(BrokerError):
    """It exists with other properties, is in use, or an argument is invalid (406)."""


class NotAllowedError(BrokerError):
    """Forbidden by a limit or a rule of the whole connection (530 NOT_ALLOWED)."""


class NotSupportedError(BrokerError):
    """Asked for something the protocol has and RabbitMQ does not do (540 NOT_IMPLEMENTED)."""


class MechanismError(BrokerError):
    """An authentication mechanism that is unknown or not offered here (503 COMMAND_INVALID)."""


class MalformedCredentialsError(BrokerError):
    """A response the authentication mechanism cannot read (502 SYNTAX_ERROR)."""


class NodeLimitError(BrokerError):
    """All clients together hold more of something than the node has room for (506)."""


class LoginRefusedError(BrokerError):
    """Wrong credentials, or this user may not log in from there (403, see rabbit_reader)."""
