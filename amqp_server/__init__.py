"""HareMQ: an AMQP 0-9-1 broker that RabbitMQ's clients use unchanged."""

from typing import Final

__version__: Final = "0.1.0"
