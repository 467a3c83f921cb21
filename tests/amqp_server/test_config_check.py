"""The files that the settings name are tried as a start would, and nothing is left behind."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amqp_server.broker.settings import BrokerSettings
from amqp_server.config_check import problems_of
from amqp_server.net.settings import NetSettings, TlsSettings
from amqp_server.settings.schema import Settings
from tests.support.certificates import Authority


def with_definitions(tmp_path: Path, raw: object) -> Settings:
    path = tmp_path / "definitions.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return Settings(broker=BrokerSettings(load_definitions=path, data_dir=tmp_path / "data"))


def test_settings_that_name_no_file_have_no_problem() -> None:
    assert problems_of(Settings()) == []


def test_good_files_have_no_problem_and_nothing_is_made(tmp_path: Path) -> None:
    leaf = Authority().issue(tmp_path)
    tls = TlsSettings(certificate_file=leaf.certificate_file, key_file=leaf.key_file)
    settings = replace(
        with_definitions(tmp_path, {"vhosts": [{"name": "/"}]}), net=replace(NetSettings(), tls=tls)
    )
    assert problems_of(settings) == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "raw", [{"users": [{"name": 5}]}, {"queues": [{"name": "q", "vhost": "nowhere"}]}]
)
def test_definitions_are_read_and_applied(tmp_path: Path, raw: object) -> None:
    settings = with_definitions(tmp_path, raw)
    problems = problems_of(settings)
    where = f"broker.load_definitions: {settings.broker.load_definitions}: definitions."
    assert problems
    assert all(problem.startswith(where) for problem in problems)
    assert not (tmp_path / "data").exists()


def test_definitions_that_are_not_there_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    settings = Settings(broker=BrokerSettings(load_definitions=path))
    assert problems_of(settings) == [f"broker.load_definitions: {path}: No such file or directory"]
