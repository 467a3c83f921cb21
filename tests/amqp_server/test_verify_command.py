"""``haremq verify``: what it asks for, what it prints, and how it ends. The proof is a fake."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amqp_server import exit_status
from amqp_server.cli import haremq
from amqp_server.proving.proof import ClusterFailedError, NoFaultError, Proof, Wish
from amqp_server.settings.load import SettingsError
from amqp_server.supervising.folder import FolderError, NoEtcdError
from amqp_server.verify_command import again_text


class Prover:
    """Stands in for the proof: keeps what was asked for, and ends as it is told."""

    def __init__(self) -> None:
        self.wish: Wish | None = None
        self.outcome: Proof | Exception = Proof([])

    def prove(self, wish: Wish, say: object) -> Proof:
        self.wish = wish
        assert callable(say)
        say("at work")
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def prover(monkeypatch: pytest.MonkeyPatch) -> Prover:
    prover = Prover()
    monkeypatch.setattr("amqp_server.verify_command.prove", prover.prove)
    return prover


def call(*options: str) -> Result:
    return CliRunner().invoke(haremq, ["verify", *options])


def test_a_seed_is_drawn_where_none_is_given(prover: Prover) -> None:
    seeds = set()
    for _ in range(2):
        assert call("--minutes", "1").exit_code == exit_status.OK
        assert prover.wish is not None
        assert prover.wish == Wish(1, prover.wish.seed)
        seeds.add(prover.wish.seed)
    assert len(seeds) == 2


def test_its_options_are_obeyed(prover: Prover, tmp_path: Path) -> None:
    config = tmp_path / "haremq.yaml"
    config.write_text("net: {backlog: 9}\n")
    places = ("--config", str(config), "--dir", str(tmp_path / "d"), "--keep", str(tmp_path / "k"))
    what = ("--only", "cut,kill,cut", "--queue-type", "classic", "--rate", "5", "--episode", "3")
    done = call("--minutes", "0.5", "--seed", "7", "--nodes", "5", *places, *what)
    assert done.exit_code == exit_status.OK
    assert prover.wish == Wish(
        0.5,
        7,
        node_count=5,
        only=("cut", "kill"),
        queue_type="classic",
        rate_per_s=5,
        episode=3,
        folder=tmp_path / "d",
        kept=tmp_path / "k",
        raw={"net": {"backlog": 9}},
    )
    assert (tmp_path / "k").is_dir(), "it is made before the proof, which may take long"


def test_streams_alone_may_be_asked_for(prover: Prover) -> None:
    assert call("--minutes", "1", "--queue-type", "stream").exit_code == exit_status.OK
    assert prover.wish is not None
    assert prover.wish.queue_type == "stream"
    assert call("--minutes", "1", "--queue-type", "brook").exit_code == exit_status.USAGE


def test_json_is_all_that_is_printed(prover: Prover) -> None:
    assert call("--minutes", "1").output.startswith("at work\n")
    assert json.loads(call("--minutes", "1", "--json").output)["good"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Proof([], failure="it hangs"), exit_status.FAILED),
        (Proof([], signal=15), 143),
        (Proof([], failure="it hangs", signal=2), exit_status.FAILED),
        (ClusterFailedError("it does not serve"), exit_status.FAILED),
        (NoFaultError("no fault"), exit_status.USAGE),
        (NoEtcdError("no etcd"), exit_status.UNAVAILABLE),
        (FolderError("a folder"), exit_status.DATA_DIRECTORY),
        (SettingsError(["one", "two"]), exit_status.CONFIGURATION),
        (OSError("an address"), exit_status.UNAVAILABLE),
    ],
)
def test_it_ends_with_the_status_of_what_went_wrong(
    prover: Prover, outcome: Proof | Exception, status: int
) -> None:
    prover.outcome = outcome
    result = call("--minutes", "1")
    assert result.exit_code == status
    if isinstance(outcome, Exception):
        assert "haremq: " in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--minutes", "0"),
        ("--minutes", "1", "--only", "burn"),
        ("--minutes", "1", "--nodes", "0"),
    ],
)
def test_what_cannot_be_is_a_wrong_command_line(prover: Prover, options: tuple[str, ...]) -> None:
    assert call(*options).exit_code == exit_status.USAGE
    assert prover.wish is None


def test_a_mistake_in_the_settings_is_told(prover: Prover, tmp_path: Path) -> None:
    config = tmp_path / "haremq.yaml"
    config.write_text("net: {backlog: x}\n")
    assert call("--minutes", "1", "--config", str(config)).exit_code == exit_status.CONFIGURATION
    assert prover.wish is None


def test_the_command_that_plays_it_again_is_whole() -> None:
    wish = Wish(0.5, 7, only=("cut", "kill"))
    text = again_text(wish, Path("/a b.yaml"))
    assert text == (
        "haremq verify --minutes 0.5 --seed 7 --nodes 3 --queue-type quorum --rate 300"
        " --only cut,kill --config '/a b.yaml'"
    )
