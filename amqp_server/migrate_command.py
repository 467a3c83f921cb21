"""``haremq migrate``: messages of one broker into another; see ``migrating``."""

from typing import NoReturn

import click

from amqp_server import exit_status
from amqp_server.migrating.api import Api, ApiError, api_beside
from amqp_server.migrating.migration import OneBrokerError, Result, Wish, migrate
from load_generator.session import Endpoint
from load_generator.wire import LoadError


@click.command("migrate")
@click.option("--from", "source", required=True, metavar="URI", help="amqp:// or amqps:// URI.")
@click.option("--to", "target", required=True, metavar="URI", help="The same, of any node.")
@click.option(
    "--from-api",
    "source_api",
    metavar="URL",
    help="HTTP API of the source; without, the same host and login, on a port 10000 above.",
)
@click.option("--to-api", "target_api", metavar="URL", help="HTTP API of the target.")
@click.option(
    "--with-definitions",
    "copies_definitions",
    is_flag=True,
    help="Give the target all definitions of the source first: vhosts, users, queues, bindings.",
)
@click.option(
    "--check", "only_looks", is_flag=True, help="Say what would be moved, and move nothing."
)
def migrate_messages(
    *,
    source: str,
    target: str,
    source_api: str | None,
    target_api: str | None,
    copies_definitions: bool,
    only_looks: bool,
) -> None:
    """Move the messages of all durable queues to another broker, such as a cluster.

    A message is acked at the source once the target has confirmed it. If anything ends in between,
    call it again: nothing is lost, and some messages may be there twice. The exit status is 1 if
    messages are left at the source.
    """
    try:
        wish = Wish(
            Endpoint.parse(source),
            Endpoint.parse(target),
            Api(source_api or api_beside(source)),
            Api(target_api or api_beside(target)),
            copies_definitions=copies_definitions,
            only_looks=only_looks,
        )
    except (LoadError, ApiError) as error:
        _end(str(error), exit_status.USAGE)
    try:
        result = migrate(wish, click.echo)
    except OneBrokerError as error:
        _end(str(error), exit_status.USAGE)
    except (ApiError, OSError, LoadError) as error:
        _end(str(error), exit_status.UNAVAILABLE)
    if not only_looks:
        click.echo(_last_line(result))
    raise SystemExit(exit_status.OK if result.is_whole else exit_status.FAILED)


def _last_line(result: Result) -> str:
    told = f"{sum(result.moved.values()):,} messages of {len(result.moved)} queues moved"
    if result.is_whole:
        return told
    return f"{told}; some are left, see above: call it again, or move them another way"


def _end(text: str, status: int) -> NoReturn:
    click.echo(f"haremq: {text}", err=True)
    raise SystemExit(status)
