"""Policies, parameters, limits and definitions."""

from pathlib import Path

import pytest

from tests.support.typed_commands import Tool

FIVE = '{"max-length":5}'


@pytest.mark.parametrize("kind", ["policy", "operator_policy"])
def test_a_policy_comes_and_goes(tool: Tool, kind: str) -> None:
    many = kind.replace("policy", "policies")
    said = tool(f"rabbitmqctl set_{kind} p ^z", FIVE, "--priority", "2", "--apply-to", "queues")
    assert said.status == 0
    assert f'"p" for pattern "^z" to "{FIVE}" with priority "2" for vhost "/" ...' in said.out
    listed = tool(f"rabbitmqctl list_{many} -s")
    assert listed.out == f"/\tp\t^z\tqueues\t{FIVE}\t2\n"
    [row] = tool(f"rabbitmqctl list_{many} --formatter json").json
    assert row["definition"] == FIVE
    assert tool(f"rabbitmqctl clear_{kind} p").status == 0
    gone = tool(f"rabbitmqctl clear_{kind} p -s")
    assert (gone.status, gone.err) == (69, "Error:\nParameter does not exist\n")


def test_a_policy_that_is_none(tool: Tool) -> None:
    assert tool("rabbitmqctl set_policy p (", FIVE).status == 69
    assert "JSON decoding error" in tool("rabbitmqctl set_policy p ^z {bad").err
    assert tool("rabbitmqctl set_policy p ^z", '{"bogus":1}').status == 69
    assert tool("rabbitmqctl set_policy -p nope p ^z", FIVE).status == 65
    assert tool("rabbitmqctl set_policy p ^z", FIVE, "--priority", "x").status == 64


def test_parameters(tool: Tool) -> None:
    assert tool("rabbitmqctl set_parameter nope x 1").status == 69
    assert tool("rabbitmqctl clear_parameter nope x").status == 69
    assert tool("rabbitmqctl set_global_parameter g", '{"a":1}').status == 0
    assert 'g\t{"a":1}' in tool("rabbitmqctl list_global_parameters").out
    assert tool("rabbitmqctl clear_global_parameter g").status == 0
    assert tool("rabbitmqctl clear_global_parameter g").status == 69
    tool("rabbitmqctl set_operator_policy p ^z", FIVE)
    assert "operator_policy\tp\t" in tool("rabbitmqctl list_parameters").out


def test_limits_of_a_vhost(tool: Tool) -> None:
    assert tool("rabbitmqctl list_vhost_limits").out == 'Listing limits for vhost "/" ...\n\n'
    assert tool("rabbitmqctl set_vhost_limits", '{"max-queues":5}').status == 0
    assert tool("rabbitmqctl list_vhost_limits -q").out == '{"max-queues":5}\n'
    assert tool("rabbitmqctl list_vhost_limits -s --global").out == '/\t{"max-queues":5}\n'
    assert tool("rabbitmqctl clear_vhost_limits").status == 0
    assert tool("rabbitmqctl clear_vhost_limits").status == 69
    assert tool("rabbitmqctl set_vhost_limits", '{"bogus":5}').status == 69
    assert tool("rabbitmqctl set_vhost_limits []").status == 69


def test_limits_of_a_user(tool: Tool) -> None:
    assert tool("rabbitmqctl set_user_limits guest", '{"max-channels":5}').status == 0
    assert tool("rabbitmqctl list_user_limits --user guest -q").out == '{"max-channels":5}\n'
    assert tool("rabbitmqctl list_user_limits -s").out == 'guest\t{"max-channels":5}\n'
    assert tool("rabbitmqctl clear_user_limits guest all").status == 0
    assert tool("rabbitmqctl list_user_limits -s").out == ""


def test_definitions_go_out_and_come_back(tool: Tool, tmp_path: Path) -> None:
    assert tool("rabbitmqctl export_definitions -").json["users"][0]["name"] == "guest"
    file = tmp_path / "d.json"
    assert tool(f"rabbitmqctl export_definitions {file}").status == 0
    text = file.read_text()
    assert tool(f"rabbitmqctl import_definitions {file}", files={str(file): text}).status == 0
    assert tool("rabbitmqctl import_definitions none").status == 65
    assert tool("rabbitmqctl import_definitions -", files={"-": "{"}).status == 65
