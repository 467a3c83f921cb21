"""The shapes of bodies and answers that the route table names; ``words`` says how to read them.

An answer has the fields of its shape and no others. A body may have more, and all may be missing.
"""

from typing import Final

from management.shapes.cluster import CLUSTER
from management.shapes.connections import CONNECTIONS
from management.shapes.definitions import DEFINITIONS
from management.shapes.messages import MESSAGES
from management.shapes.node import NODE
from management.shapes.numbers import NUMBERS
from management.shapes.requests import REQUESTS
from management.shapes.streams import STREAMS
from management.shapes.topology import TOPOLOGY
from management.shapes.words import Shapes

SHAPES: Final[Shapes] = {
    **CLUSTER,
    **CONNECTIONS,
    **DEFINITIONS,
    **MESSAGES,
    **NODE,
    **NUMBERS,
    **REQUESTS,
    **STREAMS,
    **TOPOLOGY,
}
"""The shapes by their names. A row may name one that is not here: then nothing is said of it."""
