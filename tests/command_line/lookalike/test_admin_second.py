"""``rabbitmqadmin`` in the words of its second generation."""

from pathlib import Path

import pytest

from command_line.errors import CommandError
from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Tool, Typed

A = "rabbitmqadmin"
N = f"{A} --non-interactive"


def test_queues_come_are_listed_and_go(tool: Tool) -> None:
    said = tool(f"{A} declare queue --name q --type quorum --durable true", "--auto-delete=false")
    assert (said.status, said.out) == (0, "")
    assert tool(f"{A} declare queue --name c --arguments", '{"x-max-length": 5}').status == 0
    assert tool(f"{A} declare stream --name s --expiration 8h --max-length-bytes 9000000").out == ""
    assert tool(f"{N} list queues --columns name,type,arguments").out.splitlines() == [
        'c classic {"x-queue-type":"classic","x-max-length":5}                             ',
        'q quorum  {"x-queue-type":"quorum"}                                               ',
        's stream  {"x-queue-type":"stream","x-max-age":"8h","x-max-length-bytes":9000000} ',
    ]
    assert tool(f"{A} queues delete --name q").status == 0
    assert tool(f"{A} delete queue --name q").status == 65
    assert tool(f"{A} delete queue --name q --idempotently").status == 0
    for name in "cs":
        assert tool(f"{A} --vhost / delete queue --name {name}").status == 0
    assert tool(f"{N} list queues").out == ""


def test_exchanges_and_bindings(tool: Tool) -> None:
    tool(f"{A} declare exchange --name x --type topic")
    tool(f"{A} declare queue --name q")
    ends = "--source x --destination-type queue --destination q --routing-key a.#"
    assert tool(f"{A} declare binding {ends}").status == 0
    listed = f"{N} list bindings --columns source,destination,routing_key"
    assert "x q a.# \n" in tool(listed).out
    assert tool(f"{A} exchanges unbind {ends}").status == 0
    assert tool(f"{A} delete binding {ends}").status == 65
    assert "a.#" not in tool(listed).out


def test_a_message_goes_in_and_out(tool: Tool) -> None:
    tool(f"{A} declare queue --name m")
    assert "routed true" in tool(f"{N} publish message --routing-key m --payload hello").out
    assert "routed false" in tool(f"{N} publish message -k none -m x -p", '{"priority": 1}').out
    assert tool(f"{A} publish message -k m").status == 0
    said = tool(f"{N} get messages --queue m --count 5 --ack-mode ack_requeue_false").out
    assert ["hello" in said, "test" in said] == [True, True]
    assert tool(f"{N} get messages -q m").out == ""
    assert tool(f"{A} purge queue --name m").status == 0


def test_accounts_policies_and_parameters(tool: Tool) -> None:
    for line in (
        "vhosts declare --name w --default-queue-type quorum --description d",
        "declare user --name eve --password p --tags management,monitoring",
        "-V w declare permissions --user eve --configure .* --read .* --write .*",
        "--vhost w declare vhost_limit --name max-queues --value 5",
        "declare user_limit --user eve --name max-channels --value 7",
        '-V w declare policy --name p --pattern ^a --apply-to queues --definition {"max-length":5}',
    ):
        assert tool(f"{A} {line}").status == 0, line
    assert "p ^a" in tool(f"{N} -V w list policies --columns name,pattern").out
    assert "eve" in tool(f"{N} users permissions").out
    assert "7" in tool(f"{N} list user_limits --user eve").out
    for line in (
        "-V w delete policy --name p",
        "delete user_limit --user eve --name max-channels",
        "-V w delete permissions --user eve",
        "users delete --name eve",
        "delete vhost --name w",
    ):
        assert tool(f"{A} {line}").status == 0, line


def test_definitions(tool: Tool, tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    assert tool(f"{A} definitions export --file {file}").out == ""
    text = file.read_text()
    assert tool(f"{A} definitions import --file f", files={"f": text}).status == 0
    assert tool(f"{A} import definitions --stdin", files={"-": text}).status == 0
    assert tool(f"{A} definitions export --stdout").json["users"]
    assert "users" not in tool(f"{A} definitions export_from_vhost").json
    assert tool(f"{A} definitions import_into_vhost --file f", files={"f": "{}"}).status == 0


def test_checks_and_overviews(tool: Tool) -> None:
    for line in ("local_alarms", "cluster_wide_alarms", "node_is_quorum_critical"):
        assert tool(f"{A} health_check {line}").out == "health check passed\n"
    assert tool(f"{A} --quiet health_check deprecated_features_in_use").out == ""
    failed = tool(f"{A} health_check port_listener --port 1")
    assert (failed.status, "error: " in failed.err) == (69, True)
    assert "HareMQ" in tool(f"{A} --table-style ascii show overview").out
    assert "queue_declared" in tool(f"{N} show churn").out
    assert tool(f"{A} rebalance queues").status == 0
    assert tool(f"{A} close user_connections --username eve").status == 0
    for what in ("nodes", "vhosts", "feature_flags", "connections", "channels", "consumers"):
        assert tool(f"{N} list {what}").status == 0


@pytest.mark.parametrize(
    "line",
    [
        "declare queue --zork 1",
        "declare queue --type quorum",
        "declare queue --name",
        "declare queue -z 1 --name q",
        "declare zork --name q",
        "declare shovel --name q",
        "declare binding --source x --destination q --destination-type zork --routing-key a",
        "definitions",
        "definitions zork --file x",
        "health_check zork",
        "health_check port_listener",
        "list queues zork --non-interactive",
        "list zork --non-interactive",
        "queues zork",
        "--table-style zork list queues",
        "--insecure --zork list queues",
        "--insecure --node prod list queues",
        "definitions export --tls-cert-file x",
    ],
)
def test_a_wrong_command_line_is_64(tool: Tool, line: str) -> None:
    said = tool(f"{A} {line}")
    assert (said.status, said.err.startswith("error: ")) == (64, True)


def test_what_is_right_in_both_is_of_the_first(tool: Tool) -> None:
    assert tool(f"{A} list queues").out == "No items\n"
    assert tool(f"{A} -V / -f raw_json list queues name").json == []
    assert "┌" in tool(f"{A} --table-style modern list vhosts").out
    assert "| ---- |" in tool(f"{A} --table-style markdown list vhosts").out


def test_a_node_that_is_not_there_or_fails() -> None:
    for answer, status in (
        (Answer(500, {}, b"{}"), 69),
        (Answer(400, {}, b'{"reason": "no"}'), 65),
        (CommandError("no way", 69), 74),
    ):
        tool = Tool(Typed(way=Scripted(answer)))
        assert tool(f"{A} queues list").status == status


def test_the_environment_names_the_node(tool: Tool, typed: Typed) -> None:
    typed.environ |= {
        "RABBITMQADMIN_TARGET_HOST": "far",
        "RABBITMQADMIN_TARGET_PORT": "5",
        "RABBITMQADMIN_USERNAME": "eve",
        "RABBITMQADMIN_PASSWORD": "pw",
        "RABBITMQADMIN_TARGET_VHOST": "w",
    }
    assert tool(f"{A} queues list").status == 65
    [address] = typed.addresses
    assert (address.shown, address.user, address.password) == ("http://far:5", "eve", "pw")
    assert typed.asked[-1][1].startswith("/api/queues/w")
