"""Channels that end: by an error, by either side's close, and what a number costs until then."""

import pytest
from pamqp import commands

from amqp_server.protocol.settings import ProtocolSettings
from tests.support.frames import METHOD, frame, method_payload
from tests.support.peer import Client, Node


@pytest.fixture
def peer() -> Client:
    return Node().open()


def test_a_soft_error_leaves_the_other_channels_alone(peer: Client) -> None:
    peer.open_channel(2)
    peer.soft_error(2)
    peer.declare("mine", 1)
    assert peer.works()


def test_closes_that_cross_are_both_answered(peer: Client) -> None:
    peer.soft_error()
    peer.send(commands.Channel.Close)
    assert [method.name for method in peer.methods()] == ["Channel.CloseOk"]
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)


def test_a_number_is_free_again_once_the_close_was_answered(peer: Client) -> None:
    for _ in range(20):
        peer.send(commands.Channel.Close)
        peer.expect(commands.Channel.CloseOk)
        peer.open_channel(1)
    assert peer.connection.session.channels_open == 1


def test_a_close_and_an_open_may_come_in_one_read(peer: Client) -> None:
    """No wait for close-ok is needed by a client that closes itself."""
    close = frame(METHOD, 1, method_payload(commands.Channel.Close))
    reopen = frame(METHOD, 1, method_payload(commands.Channel.Open))
    peer.send_bytes((close + reopen) * 50)
    names = [method.name for method in peer.methods()]
    assert names == ["Channel.CloseOk", "Channel.OpenOk"] * 50


def test_a_channel_we_closed_counts_until_its_close_is_answered() -> None:
    peer = Node(ProtocolSettings(channel_max=1)).open()
    peer.soft_error()
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    peer.soft_error()
    peer.send(commands.Channel.Open, 2)
    assert peer.closed().code == 530
