"""The command ``haremq``: what ``python -m amqp_server`` runs, too.

Under the name of one of RabbitMQ's tools, such as ``rabbitmqctl``, it is that tool.
"""

import sys
from pathlib import PurePath

from command_line.probe import TOOLS, probed


def main() -> None:
    """Read the command line and do what it says; does not return."""
    status = probed(sys.argv[1:])
    if status is not None:
        sys.exit(status)
    name = PurePath(sys.argv[0]).name
    if name in TOOLS:
        from command_line.lookalike.program import run  # noqa: PLC0415 -- only of that name

        sys.exit(run(name, sys.argv[1:]))
    from amqp_server.cli import haremq  # noqa: PLC0415 -- a probe needs none of it

    haremq.main(prog_name="haremq")


if __name__ == "__main__":
    main()
