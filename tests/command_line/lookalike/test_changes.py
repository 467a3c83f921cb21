"""What is done to queues, connections, tracing and the cluster."""

from tests.support.typed_commands import Tool, Typed


def test_a_queue_is_purged_and_deleted(tool: Tool, typed: Typed) -> None:
    typed("queues", "declare", "q")
    typed("publish", "q", "x")
    assert tool("rabbitmqctl delete_queue q --if-empty").err == "Error:\nQueue is not empty\n"
    assert tool("rabbitmqctl purge_queue q").out == "Purging queue 'q' in vhost '/' ...\n"
    typed("publish", "q", "x")
    deleted = tool("rabbitmqctl delete_queue q -q")
    assert deleted.out == "Queue was successfully deleted with 1 ready messages\n"
    assert (
        tool("rabbitmqctl delete_queue q").status,
        tool("rabbitmqctl purge_queue q").status,
    ) == (
        64,
        69,
    )


def test_connections_are_closed(tool: Tool) -> None:
    assert "Closed 0 connections" in tool("rabbitmqctl close_all_connections because").out
    assert "Closed 0" in tool("rabbitmqctl close_all_connections --global because").out
    assert tool("rabbitmqctl close_all_user_connections guest because").status == 0
    assert tool("rabbitmqctl close_connection <0.1.0> because").status == 69


def test_tracing(tool: Tool) -> None:
    assert tool("rabbitmqctl trace_on -s").out == "Trace enabled for vhost /\n"
    assert "true" in tool("rabbitmqctl list_vhosts -s name tracing").out
    assert tool("rabbitmqctl trace_off -s").out == "Trace disabled for vhost /\n"
    assert tool("rabbitmqctl trace_on -p none").status == 65


def test_the_cluster(tool: Tool) -> None:
    assert tool("rabbitmqctl set_cluster_name hop").status == 0
    assert "quorum_queue\tenabled" in tool("rabbitmqctl list_feature_flags").out
    assert tool("rabbitmqctl list_feature_flags bogus").status == 64
    assert tool("rabbitmqctl enable_feature_flag all").status == 0
    assert tool("rabbitmqctl enable_feature_flag nope").status == 64
