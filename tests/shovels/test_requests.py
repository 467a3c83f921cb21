"""Requests with names that pamqp refuses."""

from pamqp import commands

from amqp_server.shovels.requests import Consume, ExchangeBind, QueueDeclare
from amqp_server.wire.methods import decode_method, encode_method

NAME = "federation: x -> höst"


def test_any_name_goes_over_the_wire() -> None:
    frame = encode_method(1, QueueDeclare(queue=NAME, durable=True, arguments={}))
    declared = decode_method(frame[7:-1])
    assert isinstance(declared, commands.Queue.Declare)
    assert (declared.queue, declared.durable) == (NAME, True)
    bind = ExchangeBind(destination=NAME, source=NAME, routing_key="", arguments={})
    bound = decode_method(encode_method(1, bind)[7:-1])
    assert isinstance(bound, commands.Exchange.Bind)
    assert (bound.destination, bound.source) == (NAME, NAME)
    assert isinstance(Consume(queue=NAME, arguments={}), commands.Basic.Consume)
