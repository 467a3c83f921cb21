"""``rabbitmqadmin``."""

from pathlib import Path

import pytest

from tests.support.typed_commands import Tool, Typed

A = "rabbitmqadmin"


def test_queues_exchanges_and_bindings(tool: Tool) -> None:
    assert tool(f"{A} declare queue name=q durable=true", 'arguments={"x-max-length": 5}').out == (
        "queue declared\n"
    )
    assert tool(f"{A} declare exchange name=x type=topic").status == 0
    assert tool(f"{A} declare binding source=x destination=q routing_key=a.#").status == 0
    assert tool(f"{A} -f raw_json list queues name arguments").json == [
        {"name": "q", "arguments": {"x-max-length": 5}}
    ]
    assert "x" in tool(f"{A} -f bash list exchanges name").out.split()
    line = "source=x destination_type=queue destination=q properties_key=a.%23"
    assert tool(f"{A} delete binding {line}").status == 0
    assert tool(f"{A} delete exchange name=x").out == "exchange deleted\n"
    assert tool(f"{A} -q delete queue name=q").out == ""
    assert tool(f"{A} list queues").out == "No items\n"


def test_a_message_goes_in_and_out(tool: Tool) -> None:
    tool(f"{A} declare queue name=m queue_type=quorum")
    assert tool(f"{A} publish routing_key=m payload=hello").out == "Message published\n"
    assert "NOT routed" in tool(f"{A} publish routing_key=none payload=x").out
    [row] = tool(f"{A} -f raw_json get queue=m").json
    assert row["payload"] == "hello"
    assert tool(f"{A} publish routing_key=m", files={"-": "of stdin"}).status == 0
    assert tool(f"{A} purge queue name=m").out == "queue purged\n"


def test_users_vhosts_rights_and_policies(tool: Tool) -> None:
    tool(f"{A} declare vhost name=w")
    tool(f"{A} declare user name=eve password=p tags=management")
    line = "vhost=w user=eve configure=.* write=.* read=.*"
    assert tool(f"{A} declare permission {line}").status == 0
    definition = 'definition={"max-length": 5}'
    assert tool(f"{A} -V w declare policy name=p pattern=^a", definition).status == 0
    assert tool(f"{A} declare vhost_limit vhost=w name=max-queues value=5").status == 0
    assert tool(f"{A} -f kvp -V w list policies name pattern").out == 'name="p" pattern="^a"\n'
    for line in ("permission vhost=w user=eve", "user name=eve", "vhost name=w"):
        assert tool(f"{A} delete {line}").status == 0


def test_definitions(tool: Tool, tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    assert "Exported" in tool(f"{A} export {file}").out
    text = file.read_text()
    assert "Uploaded" in tool(f"{A} import f", files={"f": text}).out
    assert tool(f"{A} export").json["users"]


def test_a_refusal_is_1_and_a_wrong_command_line_64(tool: Tool) -> None:
    assert tool(f"{A} delete queue name=none").status == 1
    for line in (
        "zork",
        "list zork",
        "declare queue",
        "declare queue name",
        "declare queue name=q zork=1",
        "delete permission vhost=w",
        "get",
        "-f zork list queues",
        "--zork",
        "--host",
        "show queues",
    ):
        said = tool(f"{A} {line}")
        assert (said.status, said.err.startswith("*** ")) == (64, True)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("-H far -P 5 -s", "https://far:5"),
        ("-U http://base:7/x", "http://base:7/x"),
        ("--host=far --path-prefix=/mq", "http://far:15672/mq"),
    ],
)
def test_the_address(tool: Tool, typed: Typed, options: str, shown: str) -> None:
    tool(f"{A} {options} -u eve -p pw show overview")
    [address] = typed.addresses
    assert (address.shown, address.user, address.password) == (shown, "eve", "pw")
