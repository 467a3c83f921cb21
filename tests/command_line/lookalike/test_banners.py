"""The lines before."""

from command_line.api import Api
from command_line.lookalike.banners import banner
from command_line.lookalike.program import TOOLS, commands_of
from command_line.lookalike.words import Call
from command_line.session import Surface
from command_line.transport import Answer
from tests.support.typed_commands import Scripted

API = Api(Scripted(Answer(200, {}, b'{"node": "rabbit@h"}')))


def test_every_banner_can_be_written() -> None:
    for tool in TOOLS:
        for name, command in commands_of(tool).items():
            args = ["{x}", "b", "c", "d"][: max(command.least, 1)]
            call = Call(name, args, {"global": ""}, API, Surface())
            assert "{call" not in banner(call, command)


def test_conditions_are_named() -> None:
    command = commands_of("rabbitmqctl")["delete_queue"]
    call = Call("delete_queue", ["q"], {"if-empty": "", "vhost": "w"}, API, Surface())
    assert banner(call, command) == "Deleting queue 'q' on vhost 'w' if queue is empty ..."
