"""Requests that another node answers: which, how, and what is said where none does."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import pytest

from amqp_server.broker.admin import PeerAwayError, PeerRefusedError
from management.access.account import OPERATOR, Account
from management.access.login import Credentials, basic_header
from management.forwarding import Forwarded, answer_of, asked_of, octets_of, question_of
from management.http.request import Request, parsed_query
from management.http.response import Response, answer, empty
from management.settings import ManagementSettings
from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api

B, C = "rabbit@b", "rabbit@c"


class ScriptedPeers:
    """Other nodes that answer with what a test has put there; nobody else answers.

    Attributes:
        answers: by the node's name, an answer or an error.
        asked: node and request of each question.
        answering: how this node answers.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Response | Exception] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.answering: dict[str, Callable[[bytes, str], Awaitable[bytes]]] = {}

    def answer_to(self, subject: str, answering: Callable[[bytes, str], Awaitable[bytes]]) -> None:
        self.answering[subject] = answering

    async def ask(self, node: str, subject: str, octets: bytes, within_s: float) -> bytes:
        if subject == "http in parts":
            raise PeerAwayError("no link", was_asked=False)
        assert subject == "http"
        assert 0 < within_s <= 10
        head = json.loads(octets.partition(b"\n")[0])
        self.asked.append((node, head["method"], head["path"]))
        given = self.answers.get(node)
        if given is None:
            raise PeerAwayError("no link", was_asked=False)
        if isinstance(given, Exception):
            raise given
        assert isinstance(given.body, bytes)
        return octets_of(given, given.body)


@pytest.fixture
def peers() -> ScriptedPeers:
    return ScriptedPeers()


@pytest.fixture
def joined(peers: ScriptedPeers) -> Iterator[Api]:
    with Api(peers=peers) as api:
        own = api.management.services.identity.node
        api.broker.cluster = cluster = FakeCluster(own, B, C)
        cluster.members[B] = cluster.members[B]._replace(http_address="b.example:15672")
        for name, leader in (("far", B), ("near", own)):
            api.node.open().declare(name)
            cluster.put(name, leader, C)
        cluster.put("(waits for exchange 'far')", B, C)
        yield api


GET = {"ackmode": "ack_requeue_true", "count": 1, "encoding": "auto"}
LED = [
    ("POST", "queues/%2F/far/get", GET),
    ("POST", "queues/%2F/far/peek", {"count": 1}),
    ("GET", "queues/%2F/far/unacked", None),
    ("GET", "exchanges/%2F/far/waiting", None),
    ("DELETE", "exchanges/%2F/far/waiting", None),
    ("POST", "queues/%2F/far/messages/delete", {"messages": []}),
    ("POST", "queues/%2F/far/messages/move", {"messages": [], "dest": "x"}),
    ("POST", "queues/%2F/far/move", {"dest": "none"}),
    ("POST", "queues/%2F/far/stream", {}),
    ("GET", "stream/%2F/far/segments", None),
    ("GET", "stream/%2F/far/readers", None),
    ("GET", "queues/%2F/far", None),
    ("GET", "queues/%2F/far/explain", None),
]
NAMED = [
    ("GET", f"nodes/{B}", None),
    ("GET", f"nodes/{B}/memory", None),
    ("GET", f"nodes/{B}/loop-lag", None),
]


@pytest.mark.parametrize(("method", "path", "body"), [*LED, *NAMED])
def test_the_node_that_leads_or_is_named_answers(
    joined: Api, peers: ScriptedPeers, method: str, path: str, body: object
) -> None:
    peers.answers[B] = answer({"from": "b"}, headers={"x-of": "b"})
    reply = joined.call(method, path, body=body)
    assert (reply.status, reply.json, reply.headers["x-of"]) == (200, {"from": "b"}, "b")
    assert peers.asked == [(B, method, f"/api/{path}")]


@pytest.mark.parametrize(("method", "path", "body"), LED)
def test_what_is_led_here_is_asked_of_nobody(
    joined: Api, peers: ScriptedPeers, method: str, path: str, body: object
) -> None:
    joined.call(method, path.replace("far", "near"), body=body)
    joined.call(method, path.replace("far", "none"), body=body)
    assert peers.asked == []


def test_who_may_not_asks_nobody(joined: Api, peers: ScriptedPeers) -> None:
    joined.add_user("eve", "management", vhosts=())
    peers.answers[B] = answer({})
    assert joined.get("queues/%2F/far", user="eve").status == 401
    assert joined.get(f"nodes/{B}", user="eve").status == 401
    assert joined.get("queues/%2F/far", user="eve:wrong").status == 401
    assert peers.asked == []


def test_one_who_looks_gets_what_this_node_knows(joined: Api, peers: ScriptedPeers) -> None:
    for error in (PeerAwayError("gone", was_asked=True), PeerRefusedError("no")):
        peers.answers[B] = error
        assert joined.get("queues/%2F/far").json["node"] == B
        assert joined.get(f"nodes/{B}").json["numbers_known"] is False
    assert len(peers.asked) == 4


@pytest.mark.parametrize(("was_asked", "text"), [(True, "may have been done"), (False, "nothing")])
def test_one_who_wants_something_done_is_told_where(
    joined: Api, peers: ScriptedPeers, text: str, *, was_asked: bool
) -> None:
    peers.answers[B] = PeerAwayError("gone", was_asked=was_asked)
    reply = joined.call("POST", "queues/%2F/far/get", body=GET)
    assert reply.status == 503
    assert f"{B} has to answer this at b.example:15672, and does not: gone" in reply.json["reason"]
    assert text in reply.json["reason"]


def test_a_file_that_does_not_come_is_said_to_be_elsewhere(
    joined: Api, peers: ScriptedPeers
) -> None:
    reply = joined.call("GET", "queues/%2F/far/messages/export")
    assert reply.status == 503
    assert (
        f"{B} has to answer this at b.example:15672, and does not: no link"
        in (reply.json["reason"])
    )
    assert peers.asked == []


def test_a_connection_of_another_node_is_found_and_closed(
    joined: Api, peers: ScriptedPeers
) -> None:
    peers.answers = {B: answer({"error": "no"}, 404), C: empty()}
    assert joined.call("DELETE", "connections/its%20name").status == 204
    assert {each[0] for each in peers.asked} == {B, C}
    assert peers.asked[0][1:] == ("DELETE", "/api/connections/its%20name")
    peers.answers[C] = answer({"name": "its name"})
    for path in ("connections/x", "connections/x/channels", "channels/x%20(1)"):
        assert joined.get(path).json == {"name": "its name"}
    del peers.answers[C]
    assert joined.get("connections/x").status == 404


def test_what_a_busy_or_silent_node_may_have_is_not_said_to_be_nowhere(
    joined: Api, peers: ScriptedPeers
) -> None:
    busy = answer({"error": "unavailable"}, 503)
    peers.answers = {B: busy, C: empty()}
    assert joined.call("DELETE", "connections/x").status == 204
    peers.answers = {B: answer({"error": "no"}, 404)}
    reply = joined.call("DELETE", "connections/x")
    assert (reply.status, "may have been done" in reply.json["reason"]) == (503, True)
    peers.answers = {B: busy, C: empty()}
    assert joined.call("DELETE", "connections/username/guest").status == 503


def test_a_node_that_does_not_run_is_not_asked(joined: Api, peers: ScriptedPeers) -> None:
    assert isinstance(joined.broker.cluster, FakeCluster)
    joined.broker.cluster.stop(B)
    assert joined.call("POST", "queues/%2F/far/get", body=GET).status != 503
    assert joined.get("connections/x").status == 404
    assert {each[0] for each in peers.asked} == {C}


def test_all_connections_of_a_user_are_closed_everywhere(joined: Api, peers: ScriptedPeers) -> None:
    peers.answers = {B: empty(), C: empty()}
    assert joined.call("DELETE", "connections/username/guest").status == 204
    assert {each[0] for each in peers.asked} == {B, C}
    del peers.answers[C]
    reply = joined.call("DELETE", "connections/username/guest")
    assert (reply.status, "not on each" in reply.json["reason"]) == (503, True)


# ── the other side ──


async def said(peers: ScriptedPeers, octets: bytes) -> bytes:
    return await peers.answering["http"](octets, B)


def asked(api: Api, peers: ScriptedPeers, request: Request, account: Account) -> Response:
    question = question_of(Forwarded(request, account))
    return answer_of(api.run(said(peers, question)))


def test_a_question_of_another_node_is_answered_with_the_rights_that_hold_here(
    joined: Api, peers: ScriptedPeers
) -> None:
    joined.add_user("eve", "management")
    eve, guest = Account("eve", ("administrator",)), Account("guest", ())
    own = joined.management.services.identity.node
    listed = asked(joined, peers, Request("GET", "/api/nodes"), guest)
    assert isinstance(listed.body, bytes)
    assert [each["name"] for each in json.loads(listed.body)] == sorted([own, B, C])
    refused = asked(joined, peers, Request("GET", "/api/nodes"), eve)
    assert refused.status == 401
    only = parsed_query("columns=name")
    one = asked(joined, peers, Request("GET", "/api/queues/%2F/far", only), eve)
    assert (one.status, one.body) == (200, b'{"name":"far"}')
    assert asked(joined, peers, Request("GET", "/api/nowhere"), guest).status == 404
    assert asked(joined, peers, Request("GET", "/api/nodes"), OPERATOR).status == 200
    # It is led elsewhere, and asked on by nobody.
    assert peers.asked == []


def test_nodes_whose_places_are_all_taken_answer_each_other(peers: ScriptedPeers) -> None:
    with Api(ManagementSettings(requests_max=1), peers=peers) as api:
        login = {"authorization": basic_header(Credentials("guest", "guest"))}
        own = Request("GET", "/api/whoami", headers=login)
        question = question_of(Forwarded(Request("GET", "/api/whoami"), Account("guest", ())))

        async def both() -> Response:
            application = api.management.application
            async with application.answering(own):
                assert application._places.are_taken
                async with asyncio.timeout(5):
                    return answer_of(await said(peers, question))

        assert api.run(both()).status == 200


def test_a_question_that_makes_no_sense_is_refused(joined: Api, peers: ScriptedPeers) -> None:
    unknown = question_of(Forwarded(Request("GET", "/api/nodes"), Account("nobody", ())))
    for octets in (b"", b"{}", b"[]\n", b'{"user":1}\n', b'{"user":null,"query":[1]}\n', unknown):
        with pytest.raises(PeerRefusedError):
            joined.run(said(peers, octets))


def test_an_answer_that_makes_no_sense_is_refused() -> None:
    for octets in (b"", b"[]", b'{"status":"x"}\n', b'{"status":200,"headers":1,"type":""}\n'):
        with pytest.raises(PeerRefusedError):
            answer_of(octets)


def test_a_request_comes_as_it_left(api: Api) -> None:
    headers = {"x-reason": "why", "authorization": "secret", "cookie": "secret"}
    query = parsed_query("a=1&b=&a=2")
    request = Request("POST", "/api/x", query, headers, b"\n{}\n")
    question = question_of(Forwarded(request, Account("guest", ())))
    assert b"secret" not in question
    came = asked_of(question, api.management.node)
    assert (came.request.method, came.request.body) == ("POST", b"\n{}\n")
    assert came.request.query.pairs() == [("a", "1"), ("a", "2"), ("b", "")]
    assert came.request.headers == {"x-reason": "why"}
    assert came.account == Account("guest", ("administrator",))
