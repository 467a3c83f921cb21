"""What the node says of itself: names and versions that clients branch on."""

import os
import platform
import ssl
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
        data_dir, config_files: where the node keeps what survives, and what it read its settings
            from; empty where it has none.
    """

    node: str
    cluster: str
    rabbitmq_version: str
    product: str
    version: str
    data_dir: str = ""
    config_files: tuple[str, ...] = ()

    @property
    def pid(self) -> int:
        """The process of the node."""
        return os.getpid()

    @property
    def processors(self) -> int:
        """The processors of the machine."""
        return os.cpu_count() or 1

    @property
    def crypto(self) -> str:
        """The version of the TLS library."""
        return ssl.OPENSSL_VERSION

    @property
    def runtime(self) -> str:
        """The version of the language, where RabbitMQ has that of Erlang."""
        return platform.python_version()

    @property
    def runtime_text(self) -> str:
        """The same in words."""
        return f"{platform.python_implementation()} {platform.python_version()}"
