"""What routing refuses. The text of an error is the explanation the client is sent."""


class ExchangeError(Exception):
    """A request about an exchange cannot be granted; the text says why, to the client."""


class UnknownExchangeTypeError(ExchangeError):
    """No exchange type has this name (RabbitMQ answers 503 COMMAND_INVALID)."""


class InvalidBindingError(ExchangeError):
    """The exchange type cannot use this key or these arguments (406 PRECONDITION_FAILED)."""
