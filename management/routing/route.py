"""A row of the route table.

Routing, rights, the list of methods, the OpenAPI description and the tests of rights are all made
from these rows.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from management.http.response import JSON, Response

Handler: TypeAlias = Callable[[Any], Awaitable[Response]]
"""Makes the answer of a ``management.call.Call``, which knows the route table."""


class Right(Enum):
    """What a request needs, besides what its handler asks for.

    A route with ``{vhost}`` in its path needs in addition that the user may enter the vhost, except
    with ``ADMINISTRATOR`` and ``MONITORING``. Where there is no such vhost, the handler answers.
    """

    NOBODY = "nobody"
    """No login."""

    USER = "user"
    """A user with any of the tags of management."""

    VISIBLE_VHOST = "visible vhost"
    """The same; who monitors need not be allowed to enter the vhost."""

    POLICYMAKER = "policymaker"
    """The tag policymaker or administrator."""

    MONITORING = "monitoring"
    """The tag monitoring or administrator."""

    ADMINISTRATOR = "administrator"
    """The tag administrator."""


class AnsweredBy(Enum):
    """Which node of a cluster makes the answer; see ``management.forwarding``."""

    THIS_NODE = "this node"
    """The one that gets the request."""

    LEADER = "leader"
    """The node that leads the queue of the path, or the one behind its exchange."""

    LEADER_IN_PARTS = "leader in parts"
    """The same; the answer is long, and comes in parts (``management.relaying``)."""

    NAMED_NODE = "named node"
    """The node of the path."""

    ANY_NODE = "any node"
    """This node, or else the one that has what this one has not."""

    ALL_NODES = "all nodes"
    """This node, and what is done here is done on all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    Attributes:
        method: GET, PUT, POST or DELETE; HEAD and OPTIONS follow from these.
        path: below ``/api/``; ``{name}`` is one segment, ``{exchange}``, ``{source}`` and
            ``{destination}`` may be ``amq.default``.
        right: what it needs.
        handler: makes the answer.
        summary: a line for the documentation.
        body: name of the shape of the body (``management.shapes``); empty takes none.
        answer: name of the shape of the answer; empty has none.
        is_list: whether the answer is a list of that shape.
        needs_json_type: whether a body without ``content-type: application/json`` is refused.
        extension: whether RabbitMQ does not have it.
        media_type: of the answer, which a client must accept; JSON is accepted for all.
        reads_own_body: whether the handler reads a large body itself.
        answered_by: which node of a cluster makes the answer.
    """

    method: str
    path: str
    right: Right
    handler: Handler
    summary: str
    body: str = ""
    answer: str = ""
    is_list: bool = False
    needs_json_type: bool = False
    extension: bool = False
    media_type: str = JSON
    reads_own_body: bool = False
    answered_by: AnsweredBy = AnsweredBy.THIS_NODE
