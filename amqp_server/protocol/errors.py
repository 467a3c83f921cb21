"""Errors of a client against the rules of the protocol; ``replies`` gives each its code."""


class ProtocolError(Exception):
    """A client broke a rule of the protocol; the text is the explanation for the client."""


class ChannelStateError(ProtocolError):
    """A method on a channel, or a connection, in the wrong state (504 CHANNEL_ERROR)."""


class CommandInvalidError(ProtocolError):
    """A method that a client may not send, or not at this place (503 COMMAND_INVALID)."""


class NegotiationError(ProtocolError):
    """A tune-ok outside what was offered, or a limit of the connection reached (530)."""


class ChannelLimitError(NegotiationError):
    """As many channels are open as were agreed on (530)."""


class UnknownDeliveryTagError(ProtocolError):
    """An ack, nack or reject of a tag that is not outstanding on the channel (406)."""

    def __init__(self, delivery_tag: int) -> None:
        super().__init__(f"unknown delivery tag {delivery_tag}")


class ModeError(ProtocolError):
    """tx and confirm mixed, or tx methods on a channel that is not transactional (406)."""


class ConnectionForcedError(ProtocolError):
    """The broker ends the connection: shutdown, vhost or user deleted (320)."""


class AssemblyLimitError(ProtocolError):
    """Too many bytes of unfinished messages on one connection (506 RESOURCE_ERROR)."""


class LostReplyError(ProtocolError):
    """The promise of a reply cannot be kept (541 INTERNAL_ERROR)."""


class DeliveryTimeoutError(ProtocolError):
    """A consumer held a delivery unacked for too long (406)."""

    def __init__(self, channel_number: int, timeout_ms: int) -> None:
        super().__init__(
            f"delivery acknowledgement on channel {channel_number} timed out. Timeout value used:"
            f" {timeout_ms} ms. This timeout value can be configured, see consumers doc guide to"
            " learn more"
        )
