"""What a life leaves to the cyclic collector."""

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

OURS = ("amqp_server", "queues", "exchanges", "persistence")


@contextmanager
def without_collector() -> Iterator[Counter[str]]:
    """Live without the cyclic collector; what it finds of ours at the end is counted by kind.

    Nothing is logged meanwhile: pytest keeps the records, and they keep what they speak of.
    """
    kinds: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    logging.disable()
    try:
        yield kinds
        gc.garbage.clear()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds.update(
            f"{type(found).__module__}.{type(found).__qualname__}"
            for found in gc.garbage
            if type(found).__module__.partition(".")[0] in OURS
        )
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        logging.disable(logging.NOTSET)
        gc.enable()
