"""The settings in force, as a file: all keys, and no secret."""

from amqp_server.settings.effective import HIDDEN, effective_text
from amqp_server.settings.load import parse_settings
from amqp_server.settings.schema import all_keys


def test_what_is_shown_is_what_is_in_force() -> None:
    settings = parse_settings("net: {log_form: json}\nbroker: {data_dir: /var/x}\n")
    text = effective_text(settings)
    assert "log_form: json" in text
    assert "data_dir: /var/x" in text
    shown = parse_settings(text.replace(HIDDEN, "guest"))
    assert shown == settings


def test_no_secret_is_shown() -> None:
    text = effective_text(parse_settings("broker: {default_pass: 's3cret!'}"))
    assert "s3cret" not in text
    assert f"default_pass: {HIDDEN}" in text


def test_keys_that_sound_secret_are() -> None:
    endings = ("_pass", "password", "secret", "token")
    names = [key.path.rpartition(".")[2] for key in all_keys()]
    loud = [name for name in names if name.endswith(endings)]
    text = effective_text(parse_settings(""))
    assert loud
    for name in loud:
        assert f"{name}: {HIDDEN}" in text or f"{name}: ''" in text
