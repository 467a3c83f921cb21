"""The HTTP API of a broker in memory, without sockets.

api = Api()
api.add_user("eve", "management")
reply = api.get("whoami", user="eve")        # the password is the name
assert reply.json == {...}
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.admin import Admin
from amqp_server.broker.views import Views
from management.access.login import Credentials, basic_header
from management.composition import Management
from management.forwarding import Peers
from management.http.request import Request, parsed_query
from management.live.log import RecentLog
from management.settings import ManagementSettings
from tests.support.peer import Node

T = TypeVar("T")

ALL = (".*", ".*", ".*")


class Reply(NamedTuple):
    """An answer; ``headers`` by names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON is anything
        """The body as JSON."""
        return json.loads(self.body)


class Api:
    """A broker, its users, and its HTTP API. ``guest`` is an administrator; close it at the end."""

    def __init__(
        self,
        settings: ManagementSettings | None = None,
        node: Node | None = None,
        log: RecentLog | None = None,
        peers: Peers | None = None,
        name: str = "",
    ) -> None:
        self._peers, self._name = peers, name
        self.node = node or Node()
        self.broker = self.node.broker
        self._runner = asyncio.Runner()
        self.broker.users.put(new_user("guest", "guest", bytes, ("administrator",)))
        self.management = self._runner.run(self._build(settings or ManagementSettings(), log))

    async def _build(self, settings: ManagementSettings, log: RecentLog | None) -> Management:
        return Management(
            settings,
            Views(self.broker),
            Admin(self.broker),
            self.broker.events,
            self._request_turn,
            lambda: self.node.now_ms,
            version="9.9",
            log=log,
            peers=self._peers,
            node_name=self._name,
        )

    def _request_turn(self) -> None:
        asyncio.get_running_loop().call_soon(self.node.end_turns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.close()

    def look(self, after_ms: int = 5_000) -> None:
        """Let time pass, then have the numbers of all things looked at."""
        self.node.now_ms += after_ms
        self.node.end_turns()
        self._runner.run(self.management.services.sampler.look())

    def add_user(self, name: str, *tags: str, vhosts: tuple[str, ...] = ("/",)) -> None:
        """Add a user with its name as password, and all rights in some vhosts."""
        self.broker.users.put(new_user(name, name, bytes, tags))
        for vhost in vhosts:
            self.broker.users.set_permissions(name, vhost, *ALL)

    def call(
        self,
        method: str,
        path: str,
        *,
        user: str | None = "guest",
        body: object = None,
        headers: Mapping[str, str] | None = None,
        is_loopback: bool = True,
    ) -> Reply:
        """Make a request; the path is below ``/api/``, unless it begins with a slash.

        Args:
            method: in capitals.
            path: with its query.
            user: name, or ``name:password``; None sends no credentials.
            body: bytes as they are, anything else as JSON.
            headers: more of them, in lower case.
            is_loopback: whether the client runs on this host.
        """
        whole = path if path.startswith("/") else f"/api/{path}"
        raw, _, query = whole.partition("?")
        given = dict(headers or {})
        if user is not None:
            name, _, password = user.partition(":")
            given.setdefault("authorization", basic_header(Credentials(name, password or name)))
        content = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        if content:
            given.setdefault("content-type", "application/json")
        request = Request(method, raw, parsed_query(query), given, content)
        return self.send(replace(request, is_loopback=is_loopback))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what something comes to in the loop of the node."""
        return self._runner.run(work)

    def send(self, request: Request) -> Reply:
        """Return the answer to a request."""
        response = self._runner.run(self._whole(request))
        assert isinstance(response.body, bytes)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.content_type is not None:
            headers["content-type"] = response.content_type
        return Reply(response.status, headers, response.body)

    async def _whole(self, request: Request) -> Any:  # noqa: ANN401 -- a Response
        async with asyncio.timeout(20), self.management.application.answering(request) as answer:
            if isinstance(answer.body, bytes):
                return answer
            # What goes on for ever is not waited for.
            pieces = [] if answer.is_live else [piece async for piece in answer.body]
            return replace(answer, body=b"".join(pieces))

    def get(self, path: str, **given: Any) -> Reply:  # noqa: ANN401 -- as ``call``
        """Make a GET."""
        return self.call("GET", path, **given)

    def put(self, path: str, body: object = None, **given: Any) -> Reply:  # noqa: ANN401
        """Make a PUT."""
        return self.call("PUT", path, body=body, **given)

    def post(self, path: str, body: object = None, **given: Any) -> Reply:  # noqa: ANN401
        """Make a POST."""
        return self.call("POST", path, body=body, **given)

    def delete(self, path: str, **given: Any) -> Reply:  # noqa: ANN401
        """Make a DELETE."""
        return self.call("DELETE", path, **given)
