"""confirm.select: once is as good as twice, and never with tx."""

from pamqp import commands

from tests.support.peer import Client


def test_selecting_twice_keeps_the_numbers(peer: Client) -> None:
    for expected in (1, 2):
        peer.send(commands.Confirm.Select)
        peer.expect(commands.Confirm.SelectOk)
        peer.publish(b"x")
        assert peer.expect(commands.Basic.Ack).delivery_tag == expected


def test_it_may_go_without_an_answer(peer: Client) -> None:
    peer.send(commands.Confirm.Select, nowait=True)
    assert peer.receive() == []
    peer.publish(b"x")
    peer.expect(commands.Basic.Ack)


def test_publishes_before_it_have_no_number(peer: Client) -> None:
    peer.publish(b"before")
    peer.send(commands.Confirm.Select)
    peer.publish(b"after")
    assert peer.expect(commands.Basic.Ack).delivery_tag == 1


def test_a_transactional_channel_cannot_confirm(peer: Client) -> None:
    peer.send(commands.Tx.Select)
    peer.receive()
    peer.send(commands.Confirm.Select)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert close.text == "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
