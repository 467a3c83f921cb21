"""When a certificate ends, as the files of operators have it."""

import datetime as dt
from pathlib import Path

import pytest

from amqp_server.net.certificate_end import certificate_ends_ms
from tests.support.certificates import Authority


@pytest.mark.parametrize("year", [2031, 2049, 2050, 2071])
def test_the_end_is_that_of_the_first_certificate(
    authority: Authority, tmp_path: Path, year: int
) -> None:
    # From 2050 on the year has four digits in a certificate.
    ends = dt.datetime(year, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
    leaf = authority.issue(tmp_path, not_after=ends)
    chain = tmp_path / "chain.pem"
    root = authority.write(tmp_path / "root.pem")
    chain.write_bytes(b"a comment\n" + leaf.certificate_file.read_bytes() + root.read_bytes())
    assert certificate_ends_ms(chain) == int(ends.timestamp()) * 1_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_none_has_no_end(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.pem"
    path.write_text(text)
    assert certificate_ends_ms(path) is None
    assert certificate_ends_ms(tmp_path / "missing.pem") is None
