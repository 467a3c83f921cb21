"""How RabbitMQ writes names in its texts, and which names a client may give."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

from amqp_server.broker.errors import AccessRefusedError, PreconditionFailedError

RESERVED_PREFIX: Final = "amq."
DEFAULT_EXCHANGE: Final = ""
PREDECLARED: Final[tuple[tuple[str, str, bool], ...]] = (
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.topic", "topic", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    ("amq.rabbitmq.trace", "topic", True),
)
"""Name, type and whether internal, of what every vhost has beside the default exchange."""

EVENT_EXCHANGE: Final = "amq.rabbitmq.event"
"""The topic exchange of events, in one vhost, where the settings ask for it."""

REPLY_TO_QUEUE: Final = "amq.rabbitmq.reply-to"
NAME_BYTES_MAX: Final = 255
"""What a short string of AMQP holds. A name that comes another way must not be longer."""

_RANDOM_BYTES: Final = 16
_REPLY_ADDRESS_BYTES: Final = 28
_REPLY_ADDRESS_HEAD: Final = b"\x83Xv"
"""What RabbitMQ's begin with, an Erlang process: in base64 that is ``g1h2``."""
_LINE_ENDS: Final = {ord("\r"): None, ord("\n"): None}


def exchange_text(vhost_name: str, name: str) -> str:
    """Return ``exchange 'x' in vhost '/'``."""
    return f"exchange '{name}' in vhost '{vhost_name}'"


def queue_text(vhost_name: str, name: str) -> str:
    """Return ``queue 'q' in vhost '/'``."""
    return f"queue '{name}' in vhost '{vhost_name}'"


def strip_line_ends(name: str) -> str:
    """Return a declared name without CR and LF, which RabbitMQ drops."""
    # Printable is what nearly every name is, and soon found out.
    return name if name.isprintable() else name.translate(_LINE_ENDS)


def check_fits_frames(what: str, name: str) -> None:
    """Refuse a name, or a key, that no frame could hold; what is ``queue`` or ``exchange``.

    Raises:
        PreconditionFailedError: it has more than 255 octets, or is no text (406).
    """
    try:
        size_bytes = len(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise PreconditionFailedError(f"{what} is no text\n") from None
    if size_bytes > NAME_BYTES_MAX:
        limit = f"{what} should be less than {NAME_BYTES_MAX} bytes"
        raise PreconditionFailedError(f"{limit}, actually was {size_bytes}\n")


def check_unreserved(kind: str, name: str) -> None:
    """Refuse to create an ``amq.`` name; kind is ``queue`` or ``exchange``.

    Raises:
        AccessRefusedError: the name is reserved (403).
    """
    if name.startswith(RESERVED_PREFIX):
        text = f"{kind} name '{name}' contains reserved prefix '{RESERVED_PREFIX}*'"
        raise AccessRefusedError(text)


def check_not_default_exchange(name: str) -> None:
    """Refuse to declare, delete or bind the default exchange.

    Raises:
        AccessRefusedError: it is the default exchange (403).
    """
    if name == DEFAULT_EXCHANGE:
        raise AccessRefusedError("operation not permitted on the default exchange")


def generated_name(prefix: str, random_bytes: Callable[[int], bytes]) -> str:
    """Return a name such as ``amq.gen-`` followed by 22 characters of base64url."""
    token = urlsafe_b64encode(random_bytes(_RANDOM_BYTES)).rstrip(b"=")
    return f"{prefix}-{token.decode()}"


def reply_token(random_bytes: Callable[[int], bytes]) -> str:
    """Return what follows ``amq.rabbitmq.reply-to.`` in a fresh name for direct replies.

    Two words of base64 with a point between them, as long as RabbitMQ's: programs take such names
    apart, if only in their tests. In both of them all is chance.
    """
    address = _REPLY_ADDRESS_HEAD + random_bytes(_REPLY_ADDRESS_BYTES)
    return f"{b64encode(address).decode()}.{b64encode(random_bytes(_RANDOM_BYTES)).decode()}"
