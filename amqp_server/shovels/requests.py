"""Requests with any name in them: pamqp's own refuse spaces, and all that is not ASCII.

Source: RabbitMQ takes any text of at most 255 octets as a name.
"""

from pamqp import commands


class _AnyName:
    """A request whose names are not looked at; the other broker does that."""

    def validate(self) -> None:
        """Accept any name."""


class QueueDeclare(_AnyName, commands.Queue.Declare):
    """``queue.declare``."""


class QueueBind(_AnyName, commands.Queue.Bind):
    """``queue.bind``."""


class QueueDelete(_AnyName, commands.Queue.Delete):
    """``queue.delete``."""


class ExchangeDeclare(_AnyName, commands.Exchange.Declare):
    """``exchange.declare``."""


class ExchangeBind(_AnyName, commands.Exchange.Bind):
    """``exchange.bind``."""


class ExchangeUnbind(_AnyName, commands.Exchange.Unbind):
    """``exchange.unbind``."""


class ExchangeDelete(_AnyName, commands.Exchange.Delete):
    """``exchange.delete``."""


class Consume(_AnyName, commands.Basic.Consume):
    """``basic.consume``."""
