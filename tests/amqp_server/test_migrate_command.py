"""``haremq migrate``: what it asks for, and how it ends. The migration is a fake."""

import pytest
from click.testing import CliRunner, Result

from amqp_server import exit_status
from amqp_server.cli import haremq
from amqp_server.migrating.api import ApiError
from amqp_server.migrating.listing import Name
from amqp_server.migrating.migration import OneBrokerError, Wish
from amqp_server.migrating.migration import Result as Moved
from load_generator.wire import LoadError

ENDS = ("--from", "amqp://me:hush@old:5672", "--to", "amqp://new:5673")


class Migrator:
    """Stands in for the migration: keeps what was asked for, and ends as it is told."""

    def __init__(self) -> None:
        self.wish: Wish | None = None
        self.outcome: Moved | Exception = Moved({Name("/", "a"): 1_200})

    def migrate(self, wish: Wish, _say: object) -> Moved:
        self.wish = wish
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def migrator(monkeypatch: pytest.MonkeyPatch) -> Migrator:
    migrator = Migrator()
    monkeypatch.setattr("amqp_server.migrate_command.migrate", migrator.migrate)
    return migrator


def call(*options: str) -> Result:
    return CliRunner().invoke(haremq, ["migrate", *options])


def test_the_apis_are_beside_the_brokers_unless_named(migrator: Migrator) -> None:
    done = call(*ENDS)
    assert done.exit_code == exit_status.OK
    assert done.output == "1,200 messages of 1 queues moved\n"
    wish = migrator.wish
    assert wish is not None
    assert (wish.source.host, wish.target.port) == ("old", 5673)
    assert (wish.source_api.url, wish.target_api.url) == ("http://old:15672", "http://new:15673")
    assert not wish.copies_definitions
    assert not wish.only_looks
    call(*ENDS, "--from-api", "https://x:1", "--to-api", "http://y:2", "--with-definitions")
    wish = migrator.wish
    assert wish is not None
    assert (wish.source_api.url, wish.target_api.url) == ("https://x:1", "http://y:2")
    assert wish.copies_definitions
    call(*ENDS, "--check")
    wish = migrator.wish
    assert wish is not None
    assert wish.only_looks


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Moved(is_whole=False), exit_status.FAILED),
        (OneBrokerError("one broker"), exit_status.USAGE),
        (ApiError("no API"), exit_status.UNAVAILABLE),
        (LoadError("a login"), exit_status.UNAVAILABLE),
        (ConnectionRefusedError("nobody"), exit_status.UNAVAILABLE),
    ],
)
def test_it_ends_with_the_status_of_what_went_wrong(
    migrator: Migrator, outcome: Moved | Exception, status: int
) -> None:
    migrator.outcome = outcome
    done = call(*ENDS)
    assert done.exit_code == status
    if isinstance(outcome, Exception):
        assert done.stderr.startswith("haremq: ")


@pytest.mark.parametrize(
    "options",
    [(), ENDS[:2], ("--from", "http://old", *ENDS[2:]), (*ENDS, "--to-api", "ftp://new")],
)
def test_a_wrong_command_line_is_told(migrator: Migrator, options: tuple[str, ...]) -> None:
    done = call(*options)
    assert done.exit_code == exit_status.USAGE
    assert "hush" not in done.output
    assert migrator.wish is None
