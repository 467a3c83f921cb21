"""The lines that a start logs about itself: program, settings, data directory and listeners.

They are the first and the last line of a start. Lines about the data directory stand between.
"""

import logging
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from amqp_server import __version__
from amqp_server.http_api import METRICS
from amqp_server.net.readiness import tell_ready
from amqp_server.net.server import Bound
from amqp_server.protocols import PROTOCOLS
from amqp_server.settings.schema import Settings
from persistence.kernels import COMPILED, INTERPRETED_VARIABLE, build_name

log = logging.getLogger(__name__)


def say_start(settings: Settings, config_file: Path | None) -> None:
    """Log which program starts, with which files; warn if the build is slow.

    Args:
        settings: of the node.
        config_file: the file they were read from; None means the defaults.
    """
    section = settings.broker
    log.info(
        "starting HareMQ version=%s build=%s pid=%d python=%s config=%s definitions=%s data_dir=%s",
        __version__,
        build_name(),
        os.getpid(),
        platform.python_version(),
        _absolute(config_file, "none, the defaults"),
        _absolute(section.load_definitions, "none"),
        _absolute(section.data_dir, "none, all is lost at the end"),
    )
    if not COMPILED:
        log.warning("build=interpreted is several times slower than a compiled one: %s", _remedy())


def say_ready(bound: Sequence[Bound]) -> None:
    """Tell the log and a service manager that clients may connect, and where.

    Args:
        bound: the addresses that the node listens on, in the order of the listeners.
    """
    listeners = ",".join(
        PROTOCOLS[protocol].uri(address, port, is_tls=is_tls)
        for address, port, protocol, is_tls in bound
        if protocol in PROTOCOLS
    )
    others = [each for each in bound if each.protocol not in PROTOCOLS]
    pages = ",".join(_page(each) for each in others if each.protocol != METRICS)
    metrics = ",".join(_page(each) + "/metrics" for each in others if each.protocol == METRICS)
    log.info(
        "ready build=%s version=%s pid=%d listeners=%s%s%s",
        build_name(),
        __version__,
        os.getpid(),
        listeners,
        f" management={pages}" if pages else "",
        f" metrics={metrics}" if metrics else "",
    )
    tell_ready(f"ready: {listeners}")


def _page(bound: Bound) -> str:
    return web_uri(bound.address, bound.port, is_tls=bound.is_tls)


def web_uri(address: str, port: int, *, is_tls: bool) -> str:
    """Return the URI of a listener of management."""
    host = f"[{address}]" if ":" in address else address
    return f"{'https' if is_tls else 'http'}://{host}:{port}"


def _absolute(path: Path | None, otherwise: str) -> str:
    return repr(str(path.absolute())) if path is not None else f"({otherwise})"


def _remedy() -> str:
    """Return how to get a compiled build."""
    if os.environ.get(INTERPRETED_VARIABLE):
        return f"{INTERPRETED_VARIABLE} is set in the environment; unset it"
    return (
        "there was no C compiler when it was installed; on Debian `apt-get install gcc libc6-dev"
        " python3-dev`, then install again (`pip install --force-reinstall --no-deps`, or `make"
        " distclean run`)"
    )
