"""What single keys of the protocol section cannot show."""

from amqp_server.protocol.settings import MIB, ProtocolSettings


def test_the_defaults_are_rabbitmqs_and_consistent() -> None:
    settings = ProtocolSettings()
    assert settings.inconsistencies() == []
    assert (settings.channel_max, settings.frame_max_bytes, settings.heartbeat_s) == (
        2047,
        131_072,
        60,
    )
    assert (settings.compatibility.product, settings.compatibility.version) == (
        "RabbitMQ",
        "3.13.7",
    )


def test_a_connection_must_have_room_for_one_message() -> None:
    settings = ProtocolSettings(max_message_size_bytes=2 * MIB, assembling_bytes_max=MIB)
    assert [key for key, _ in settings.inconsistencies()] == ["assembling_bytes_max"]
