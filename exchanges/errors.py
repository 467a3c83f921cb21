"""Errors of routing. The text of an error is sent to the client."""


class ExchangeError(Exception):
    """A request about an exchange cannot be granted; the text tells the client why."""


class UnknownExchangeTypeError(ExchangeError):
    """No exchange type has this name (RabbitMQ answers 503 COMMAND_INVALID)."""


class InvalidExchangeError(ExchangeError):
    """The exchange type cannot use these arguments of a declare (406 PRECONDITION_FAILED)."""


class InvalidBindingError(ExchangeError):
    """The exchange type cannot use this key or these arguments (406 PRECONDITION_FAILED)."""
