"""Plugins that are part of the node."""

from tests.support.typed_commands import Tool

ONE = "rabbitmq_management"


def test_plugins_are_listed(tool: Tool) -> None:
    assert ONE in tool("rabbitmq-plugins list -m -q").out.splitlines()
    assert f"[E*] {ONE}" in tool("rabbitmq-plugins list -E").out
    found = tool("rabbitmq-plugins list -m rabbitmq_man --formatter json").json
    assert {"name": ONE} in found["plugins"]
    assert tool("rabbitmq-plugins list (").status == 64


def test_one_is_enabled_and_another_is_not(tool: Tool) -> None:
    said = tool(f"rabbitmq-plugins is_enabled {ONE} -q")
    assert said.out.startswith(f"Plugin {ONE} is enabled on node ")
    assert tool("rabbitmq-plugins is_enabled nope").status == 69


def test_one_that_is_on_may_be_switched_on_and_not_off(tool: Tool) -> None:
    assert tool(f"rabbitmq-plugins enable {ONE}").status == 0
    assert tool("rabbitmq-plugins enable nope").status == 70
    assert tool(f"rabbitmq-plugins disable {ONE}").status == 69
    assert tool("rabbitmq-plugins disable nope").status == 0
