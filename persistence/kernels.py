"""Which build runs: the interpreted twins, or the compiled kernels behind them.

This is decided once for all modules. A mixture would hand raw memory to Python code that expects
objects. If ``COMPILED``, the last lines of a hot module replace its names with those of its kernel.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Final

KERNELS: Final = (
    "persistence._record",
    "persistence._codec",
    "persistence._crc32",
    "persistence._commit_thread",
    "persistence._direct_memory",
    "queues._tail",
    "queues.classic._ready",
    "queues.stream._amqp10",
    "queues.stream._fields",
    "queues.stream._told",
    "queues.stream._to_amqp10",
    "queues.stream._from_amqp10",
    "amqp_server.wire._framing",
    "amqp_server.wire._content",
    "amqp_server.protocol._unacked",
    "amqp_server.protocol._confirms",
    "amqp_server.stream_protocol._publish_frame",
    "exchanges._route_cache",
    "exchanges._hashing",
    "exchanges._topic_trie",
)
"""Every kernel, by module name; pyproject builds just these."""

INTERPRETED_VARIABLE: Final = "HAREMQ_INTERPRETED"
"""This environment variable, if set, disables the kernels, even where they are built."""


class MixedBuildError(ImportError):
    """Some kernels are built and others are not: build again, or remove them all."""


def are_built() -> bool:
    """Return whether the kernels are to run.

    Raises:
        MixedBuildError: some of them are built, and others are not.
    """
    if os.environ.get(INTERPRETED_VARIABLE):
        return False
    missing = [name for name in KERNELS if find_spec(name) is None]
    if missing and len(missing) < len(KERNELS):
        names = ", ".join(missing)
        raise MixedBuildError(f"kernels are missing: {names}; install again, or remove the others")
    return not missing


COMPILED: Final = are_built()
"""Whether the kernels run."""


def build_name() -> str:
    """Return the name of the build for the log: ``compiled`` or ``interpreted``."""
    return "compiled" if COMPILED else "interpreted"


def verify() -> None:
    """Load every kernel, so that a start finds one that was built for another system.

    Raises:
        ImportError: a kernel cannot be loaded.
    """
    if COMPILED:
        for name in KERNELS:
            # A kernel imports values of its twin, which must be loaded before it.
            import_module(name.replace("._", "."))
            import_module(name)
