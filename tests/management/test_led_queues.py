"""Lists of queues, and of what uses them, are those of all nodes."""

from collections import UserDict
from collections.abc import ItemsView, Iterator

import pytest
from pamqp import commands

from management import peer_rows
from management.access.account import OPERATOR
from management.call import Call
from management.http.request import Request
from management.led_queues import LedQueues
from management.peer_rows import FRESH_MS, PeerRow, QueueRow
from management.routes.queues import _consumers_elsewhere
from management.samples.sampler import QueueKey
from tests.support.joined_apis import A, B, Joined, joined_apis
from tests.support.shape_check import faults


@pytest.fixture
def joined() -> Iterator[Joined]:
    with joined_apis() as both:
        client = both.b.node.open()
        client.declare("mine", exclusive=True)
        client.consume("jobs")
        both.b.look()
        both.a.look()
        both.a.look()
        for number in range(3):
            client.publish(b"%d" % number)
        both.b.look()
        yield both


def test_a_queue_has_the_numbers_of_its_leader(joined: Joined) -> None:
    for query in ("", "?page=1", "?sort=messages", "?columns=name,node,consumers,messages"):
        answer = joined.a.get(f"queues{query}").json
        items = answer["items"] if "page" in query else answer
        jobs = {each["name"]: each for each in items}["jobs"]
        assert (jobs["node"], jobs["consumers"], jobs["messages"]) == (B, 1, 3), query
    whole = {each["name"]: each for each in joined.a.get("queues").json}
    for each in whole.values():
        assert list(faults("queue", each)) == []
    assert whole["jobs"]["message_stats"]["publish"] == 3
    assert whole["jobs"]["message_stats"]["publish_details"]["rate"] == pytest.approx(0.6)
    assert whole["votes"]["node"] == A
    assert whole["votes"]["messages"] == 0


def test_a_list_in_order_of_numbers_has_those_of_all_nodes(joined: Joined) -> None:
    query = "queues?page=1&page_size=1&sort=messages&sort_reverse=true"
    page = joined.a.get(query).json
    assert [each["name"] for each in page["items"]] == ["jobs"]
    query = "queues?page=1&sort=message_stats.publish_details.rate&sort_reverse=true"
    assert joined.a.get(query).json["items"][0]["name"] == "jobs"


def test_a_queue_that_only_another_node_has_is_listed(joined: Joined) -> None:
    names = [each["name"] for each in joined.a.get("queues/%2F").json]
    assert names == ["jobs", "mine", "votes"]
    [mine] = joined.a.get("queues?page=1&name=mine").json["items"]
    assert (mine["node"], mine["exclusive"]) == (B, True)
    joined.a.add_user("eve", "management", vhosts=())
    assert joined.a.get("queues", user="eve").json == []


def test_a_queue_of_which_nothing_is_told_has_no_numbers(joined: Joined) -> None:
    joined.peers.is_gone = True
    jobs, votes = joined.a.get("queues").json
    assert (jobs["name"], jobs["node"], "messages" in jobs) == ("jobs", B, False)
    assert (votes["name"], votes["messages"]) == ("votes", 0)


def test_what_this_node_leads_by_now_is_its_own(joined: Joined) -> None:
    assert joined.a.get("queues").json[0]["messages"] == 3
    for api in (joined.a, joined.b):
        assert api.broker.cluster is not None
        api.broker.cluster.put("jobs", A, B)  # type: ignore[attr-defined]
    assert joined.a.get("queues").json[0]["messages"] == 0
    joined.a.node.now_ms += FRESH_MS + 1
    assert joined.a.get("queues").json[0]["messages"] == 0


def test_connections_channels_and_consumers_are_those_of_all_nodes(joined: Joined) -> None:
    for kind, shape in (("connections", "connection"), ("channels", "channel")):
        found = joined.a.get(kind).json
        assert {each["node"] for each in found} == {A, B}
        assert all(not list(faults(shape, each)) for each in found)
        paged = joined.a.get(f"{kind}?page=1&sort=name&sort_reverse=true").json
        assert paged["total_count"] == len(found)
    assert {each["node"] for each in joined.a.get("vhosts/%2F/connections").json} == {A, B}
    bare = joined.a.get("connections?disable_stats=true").json
    assert {each["node"] for each in bare} == {A, B}
    assert len(joined.a.get("connections/username/guest").json) == len(bare)
    [consumer] = joined.a.get("consumers/%2F").json
    assert consumer["channel_details"]["node"] == B
    [shown] = joined.a.get("queues/%2F/jobs").json["consumer_details"]
    assert shown["consumer_tag"] == consumer["consumer_tag"]


def test_a_queue_reads_no_consumers_of_other_queues(
    joined: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = joined.b.node.open()
    for number, name in enumerate(("other", 'a "quoted" one')):
        client.declare(name)
        client.send(commands.Basic.Consume, queue=name, consumer_tag=f"c{number}")
    joined.a.node.now_ms += FRESH_MS + 1
    read: list[str] = []
    body = PeerRow.body

    def noted(row: PeerRow) -> dict[str, object]:
        read.append(row.name)
        return body(row)

    monkeypatch.setattr(PeerRow, "body", noted)
    call = Call(Request("GET", "/api/"), {}, joined.a.management.services, OPERATOR)
    found = joined.a.run(_consumers_elsewhere(call, ("/", 'a "quoted" one')))
    assert [each["consumer_tag"] for each in found] == ["c1"] == read


def test_what_was_told_is_looked_at_once_for_all_vhosts(joined: Joined) -> None:
    call = Call(Request("GET", "/api/"), {}, joined.a.management.services, OPERATOR)
    looks: list[int] = []

    class Told(UserDict[QueueKey, QueueRow]):
        def items(self) -> ItemsView[QueueKey, QueueRow]:
            looks.append(len(self))
            return super().items()

    told = Told(joined.a.run(joined.a.management.services.told.queues()))
    led = LedQueues(call, told, is_whole=True)
    assert [led.only_there(vhost) for vhost in ("/", "v", "/")] == [["mine"], [], ["mine"]]
    assert looks == [2]


def test_users_see_their_own_of_other_nodes(joined: Joined) -> None:
    for api in (joined.a, joined.b):
        api.add_user("eve", "management")
    joined.b.node.open(user="eve")
    joined.a.node.now_ms += FRESH_MS + 1
    assert [each["user"] for each in joined.a.get("connections", user="eve").json] == ["eve"]
    assert [each["user"] for each in joined.a.get("channels", user="eve").json] == ["eve"]
    assert joined.a.get("consumers", user="eve").json == []


def test_nodes_have_their_numbers_unless_they_do_not_answer(
    joined: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [each["name"] for each in joined.a.get("nodes").json] == [A, B]
    assert joined.a.get("nodes").json[1]["numbers_known"] is True
    monkeypatch.setattr(peer_rows, "STALE_MS", 0)
    joined.peers.is_gone = True
    joined.a.node.now_ms += FRESH_MS + 1
    assert joined.a.get("nodes").json[1]["numbers_known"] is False
