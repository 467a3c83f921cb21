"""The command ``haremq``: what ``python -m amqp_server`` runs, too."""

from amqp_server.cli import haremq


def main() -> None:
    """Read the command line and do what it says; does not return."""
    haremq.main(prog_name="haremq")


if __name__ == "__main__":
    main()
