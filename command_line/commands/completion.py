"""``haremq completion``: what a shell loads to complete commands and options."""

from typing import Final

import click
from click.shell_completion import get_completion_class

SHELLS: Final = ("bash", "zsh", "fish")
VARIABLE: Final = "_HAREMQ_COMPLETE"
"""Set by the shell when it asks for completions: the library's name for the program."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion of a shell.

    bash: add eval "$(haremq completion bash)" to .bashrc; zsh the same in .zshrc; fish: haremq
    completion fish > ~/.config/fish/completions/haremq.fish.
    """
    root = click.get_current_context().find_root().command
    made = get_completion_class(shell)
    assert made is not None, "the library knows the three of them"
    click.echo(made(root, {}, "haremq", VARIABLE).source())
