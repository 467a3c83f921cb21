"""The first and the last line of a start: what runs, from which files, and where to connect."""

import logging
import os
from pathlib import Path

import pytest

from amqp_server import __version__, banner
from amqp_server.banner import say_ready, say_start
from amqp_server.broker.settings import BrokerSettings
from amqp_server.net.server import Bound
from amqp_server.protocols import PROTOCOLS
from amqp_server.settings.schema import Settings
from persistence.kernels import INTERPRETED_VARIABLE, build_name
from tests.support.toy.lines import lines_row

PID = os.getpid()


@pytest.fixture(autouse=True)
def _every_line(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(banner, "COMPILED", True)


def test_a_start_says_what_it_is_and_names_its_files_in_full(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(broker=BrokerSettings(load_definitions=Path("d.json")))
    say_start(settings, Path("haremq.yaml"))
    (line,) = caplog.messages
    assert line.startswith(
        f"starting HareMQ version={__version__} build={build_name()} pid={PID} python=3."
    )
    here = str(tmp_path)
    assert f"config='{here}/haremq.yaml' definitions='{here}/d.json'" in line
    assert line.endswith(f" data_dir='{here}/haremq-data'")


def test_what_is_not_there_is_said(caplog: pytest.LogCaptureFixture) -> None:
    say_start(Settings(broker=BrokerSettings(data_dir=None)), None)
    assert caplog.messages[0].endswith(
        "config=(none, the defaults) definitions=(none) data_dir=(none, all is lost at the end)"
    )


def test_a_line_break_in_a_path_makes_no_line(caplog: pytest.LogCaptureFixture) -> None:
    say_start(Settings(), Path("a\nb.yaml"))
    assert caplog.messages[0].isprintable()


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [("1", "HAREMQ_INTERPRETED is set in the environment"), ("", "apt-get install gcc")],
)
def test_an_interpreted_build_warns_and_says_what_to_do(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, variable: str, remedy: str
) -> None:
    monkeypatch.setattr(banner, "COMPILED", False)
    monkeypatch.setenv(INTERPRETED_VARIABLE, variable)
    say_start(Settings(), None)
    record = caplog.records[-1]
    assert record.levelno == logging.WARNING
    assert "several times slower" in record.getMessage()
    assert remedy in record.getMessage()


def test_the_end_of_a_start_says_where_to_connect(caplog: pytest.LogCaptureFixture) -> None:
    plain = Bound("127.0.0.1", 5672, "amqp", is_tls=False)
    say_ready([plain, Bound("::", 5671, "amqp", is_tls=True)])
    (line,) = caplog.messages
    assert line == (
        f"ready build={build_name()} version={__version__} pid={PID}"
        " listeners=amqp://127.0.0.1:5672,amqps://[::]:5671"
    )


def test_the_end_of_a_start_says_where_the_pages_are(caplog: pytest.LogCaptureFixture) -> None:
    plain = Bound("127.0.0.1", 5672, "amqp", is_tls=False)
    page = Bound("127.0.0.1", 15_672, "http", is_tls=False)
    say_ready([plain, page, Bound("::", 15_671, "http", is_tls=True)])
    assert caplog.messages[0].endswith(
        " listeners=amqp://127.0.0.1:5672 management=http://127.0.0.1:15672,https://[::]:15671"
    )


def test_the_end_of_a_start_says_where_metrics_are(caplog: pytest.LogCaptureFixture) -> None:
    plain = Bound("127.0.0.1", 5672, "amqp", is_tls=False)
    say_ready([plain, Bound("127.0.0.1", 15_692, "http/prometheus", is_tls=False)])
    assert caplog.messages[0].endswith(
        " listeners=amqp://127.0.0.1:5672 metrics=http://127.0.0.1:15692/metrics"
    )


def test_a_listener_of_another_protocol_is_named_by_its_scheme(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROTOCOLS, "lines", lines_row())
    say_ready([Bound("127.0.0.1", port, "lines", port == 2) for port in (1, 2)])
    assert caplog.messages[0].endswith(" listeners=lines://127.0.0.1:1,lines+tls://127.0.0.1:2")
