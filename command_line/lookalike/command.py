"""``haremq as``: RabbitMQ's own tools by their names."""

import click

from command_line.lookalike.program import NAMES, run
from command_line.session import Surface


@click.command("as", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("tool", type=click.Choice(NAMES))
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def as_tool(tool: str, words: tuple[str, ...]) -> None:
    """Carry out a command line of RabbitMQ's tools: haremq as rabbitmqctl list_queues.

    The same under the tool's own name: ln -s haremq rabbitmqctl.
    """
    raise SystemExit(run(tool, words, click.get_current_context().find_object(Surface)))
