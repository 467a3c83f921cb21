"""Users, rights and vhosts."""

from tests.support.typed_commands import Tool


def test_a_user_comes_changes_and_goes(tool: Tool) -> None:
    assert "Done. Don't forget" in tool("rabbitmqctl add_user eve pw").out
    again = tool("rabbitmqctl add_user eve pw")
    assert (again.status, again.err) == (70, 'Error:\nUser "eve" already exists\n')
    tags = tool("rabbitmqctl set_user_tags eve monitoring custom")
    assert tags.out == 'Setting tags for user "eve" to [monitoring, custom] ...\n'
    assert "eve\t[monitoring, custom]" in tool("rabbitmqctl list_users").out
    assert tool("rabbitmqctl authenticate_user eve pw -q").out == "Success\n"
    assert tool("rabbitmqctl change_password eve other -s").out == ""
    assert tool("rabbitmqctl authenticate_user eve pw").status == 65
    assert tool("rabbitmqctl clear_password eve").status == 0
    assert tool("rabbitmqctl authenticate_user eve other").status == 65
    assert tool("rabbitmqctl delete_user eve").status == 0
    assert tool("rabbitmqctl delete_user eve").status == 67


def test_a_password_comes_from_standard_input(tool: Tool) -> None:
    assert tool("rabbitmqctl add_user eve -q", files={"-": "typed\n"}).status == 0
    assert tool("rabbitmqctl authenticate_user eve typed").status == 0


def test_a_vhost_comes_and_goes(tool: Tool) -> None:
    assert tool("rabbitmqctl add_vhost w --description d --tags a,b").status == 0
    assert tool("rabbitmqctl add_vhost w").status == 0
    listed = tool("rabbitmqctl list_vhosts -q name description tags default_queue_type")
    assert "w\td\t[a, b]\tundefined" in listed.out
    assert tool("rabbitmqctl set_vhost_tags w x").status == 0
    assert tool("rabbitmqctl list_vhosts bogus").status == 64
    assert tool("rabbitmqctl delete_vhost w").status == 0
    gone = tool("rabbitmqctl delete_vhost w")
    assert (gone.status, "Virtual host 'w' does not exist" in gone.err) == (65, True)


def test_rights(tool: Tool) -> None:
    tool("rabbitmqctl add_user eve pw")
    assert tool("rabbitmqctl set_permissions -p / eve ^a .* .*").status == 0
    assert "eve\t^a\t.*\t.*" in tool("rabbitmqctl list_permissions").out
    assert tool("rabbitmqctl list_user_permissions eve -s").out == "/\t^a\t.*\t.*\n"
    assert tool("rabbitmqctl list_user_permissions nope").status == 69
    assert tool("rabbitmqctl set_permissions nope .* .* .*").status == 67
    assert tool("rabbitmqctl set_permissions -p nope eve .* .* .*").status == 69
    assert tool("rabbitmqctl set_permissions eve ( .* .*").status == 69
    assert tool("rabbitmqctl clear_permissions eve").status == 0
    assert tool("rabbitmqctl clear_permissions eve").status == 0


def test_rights_on_routing_keys(tool: Tool) -> None:
    tool("rabbitmqctl add_user eve pw")
    assert tool("rabbitmqctl set_topic_permissions eve amq.topic ^a ^b").status == 0
    assert tool("rabbitmqctl list_topic_permissions -s").out == "eve\tamq.topic\t^a\t^b\n"
    assert tool("rabbitmqctl list_user_topic_permissions eve -s").out == "/\tamq.topic\t^a\t^b\n"
    assert tool("rabbitmqctl clear_topic_permissions eve amq.topic").status == 0
    assert tool("rabbitmqctl list_topic_permissions -s").out == ""
