"""What the node says of itself: names and versions that clients branch on."""

import platform
from dataclasses import dataclass


@dataclass(slots=True)
class Identity:
    """Names and versions.

    Attributes:
        node: RabbitMQ's form of the name of a node: ``rabbit@host``.
        cluster: name of the cluster.
        rabbitmq_version: the version of RabbitMQ whose API this is.
        product: our own name.
        version: our own version.
    """

    node: str
    cluster: str
    rabbitmq_version: str
    product: str
    version: str

    @property
    def runtime(self) -> str:
        """The version of the language, where RabbitMQ has that of Erlang."""
        return platform.python_version()

    @property
    def runtime_text(self) -> str:
        """The same in words."""
        return f"{platform.python_implementation()} {platform.python_version()}"
