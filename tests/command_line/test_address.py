"""Which node is asked, and as whom."""

import socket
from pathlib import Path
from typing import Any

import pytest

from command_line.address import Address, Surroundings, Wanted, is_trusted_socket, parsed, resolve
from command_line.errors import CommandError

PROFILES = """
[far]
uri = "https://broker.example:443/mq/"
user = "eve"
password-file = "secret"
vhost = "w"
tls-ca = "ca.pem"

[odd]
color = "red"
"""


def around(environ: dict[str, str] | None = None, **given: Any) -> Surroundings:  # noqa: ANN401
    files = {
        "/users/eve/.config/haremq/profiles.toml": PROFILES,
        "secret": "s3cret\n",
        "-": "in\r\n",
    }
    variables = {"HOME": "/users/eve", **(environ or {})}
    ours = given.get("ours", ())
    return Surroundings(variables, given.get("ask"), files.__getitem__, lambda path: path in ours)


def found(wanted: Wanted, environ: dict[str, str] | None = None, **given: Any) -> Address:  # noqa: ANN401
    return resolve(wanted, around(environ, **given))[0]


def test_without_a_word_it_is_this_host_as_guest() -> None:
    assert found(Wanted()) == Address("127.0.0.1", 15_672, user="guest", password="guest")


def test_a_socket_of_ours_is_taken_before_the_port_and_needs_no_login() -> None:
    path = Path("haremq-data/control.sock")
    address = found(Wanted(), ours=[path])
    assert (address.socket, address.user) == ("haremq-data/control.sock", None)
    assert found(Wanted(uri="http://h"), ours=[path]).socket == ""


def test_the_command_line_comes_before_variables() -> None:
    environ = {"HAREMQ_URI": "http://a:b@other:1"}
    assert found(Wanted(), environ).shown == "http://other:1"
    assert found(Wanted(uri="http://this"), environ).shown == "http://this:15672"
    assert found(Wanted(profile="far"), environ).host == "broker.example"


def test_a_profile_has_all_of_it() -> None:
    address, vhost = resolve(Wanted(), around({"HAREMQ_PROFILE": "far"}))
    assert address == Address(
        "broker.example", 443, prefix="/mq", user="eve", password="s3cret", is_tls=True, ca="ca.pem"
    )
    assert vhost == "w"


@pytest.mark.parametrize("name", ["near", "odd"])
def test_a_wrong_profile_is_an_error_of_the_configuration(name: str) -> None:
    with pytest.raises(CommandError) as caught:
        found(Wanted(profile=name))
    assert caught.value.status == 78


def test_a_password_comes_from_a_file_a_variable_or_the_user() -> None:
    assert found(Wanted(user="eve", password_file="-")).password == "in"
    assert found(Wanted(user="eve"), {"HAREMQ_PASSWORD": "v"}).password == "v"
    assert found(Wanted(user="eve"), ask=lambda name: f"typed by {name}").password == "typed by eve"
    assert found(Wanted(uri="http://eve@h", password_file="secret")).password == "s3cret"
    with pytest.raises(CommandError) as caught:
        found(Wanted(user="eve"))
    assert caught.value.status == 64


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://u:p%2F@[::1]:5", "http://[::1]:5"),
        ("https://h/api", "https://h:15671"),
        ("unix:/run/x.sock", "unix:/run/x.sock"),
        ("unix:///run/x.sock", "unix:/run/x.sock"),
    ],
)
def test_an_address_is_shown_without_its_password(uri: str, shown: str) -> None:
    assert parsed(uri).shown == shown


@pytest.mark.parametrize("uri", ["amqp://h", "h:15672", "http://", "http://h:x", "http://[::1"])
def test_what_is_no_address_is_a_wrong_command_line(uri: str) -> None:
    with pytest.raises(CommandError) as caught:
        parsed(uri)
    assert caught.value.status == 64


def test_a_socket_that_another_user_laid_in_our_way_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        owner = path.stat().st_uid
        assert is_trusted_socket(path, (owner,))
        assert not is_trusted_socket(path, (owner + 1,))
        # Where only root decides who makes files, any will do.
        assert is_trusted_socket(tmp_path / path, (owner + 1,))
    Path("file").touch()
    assert not is_trusted_socket(Path("file"), (owner,))
    assert not is_trusted_socket(tmp_path / "file", (owner,))
    assert not is_trusted_socket(Path("none"), (owner,))
