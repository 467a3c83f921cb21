"""``rabbitmqctl federation_status`` and ``restart_federation_link``; terms as RabbitMQ 3.10 had."""

from command_line.lookalike.federation import COMMANDS, _term, _told
from tests.support.typed_commands import Tool

LINK = {
    "consumer_tag": "federation-link-cd",
    "error": "econnrefused",
    "id": "e21e1555",
    "timestamp": "2026-11-29 22:06:56",
    "queue": "cq",
    "status": "error",
    "type": "queue",
    "upstream": "cd",
    "upstream_queue": "cq",
    "uri": "amqp://127.0.0.1:1",
    "vhost": "/",
}
TERM = """\
#{consumer_tag => <<"federation-link-cd">>,error => econnrefused,
   exchange => <<>>,id => <<"e21e1555">>,
   last_changed => <<"2026-11-29 22:06:56">>,local_connection => <<>>,
   queue => <<"cq">>,status => error,type => queue,upstream => <<"cd">>,
   upstream_exchange => <<>>,upstream_queue => <<"cq">>,
   uri => <<"amqp://127.0.0.1:1">>,vhost => <<"/">>}"""


def test_a_link_is_a_map_of_erlang() -> None:
    assert _term(_told(LINK)) == TERM
    assert "consumer_tag" not in _told({"exchange": "x"})


def test_where_there_is_no_link(tool: Tool) -> None:
    shown = tool("rabbitmqctl federation_status")
    assert shown.out.startswith("Listing federation links on node rabbit@")
    assert shown.out.endswith("...\n[]\n")
    assert "which are down" in tool("rabbitmqctl federation_status --only-down").out
    assert tool("rabbitmqctl federation_status --formatter json").json == []
    refused = tool("rabbitmqctl restart_federation_link none")
    assert (refused.status, "Link with the given ID was not found" in refused.err) == (69, True)
    assert len(COMMANDS) == 2
