"""The errors that an answer can be."""

from management.http.errors import bad_request, login_failed, missing, no_credentials, not_found
from management.http.response import of_error


def test_errors_have_rabbitmqs_words() -> None:
    assert of_error(not_found()).body == b'{"error":"Object Not Found","reason":"Not Found"}'
    assert of_error(missing("vhost_not_found")).status == 404
    assert of_error(bad_request(["no_such_user", "x"])).body == (
        b'{"error":"bad_request","reason":["no_such_user","x"]}'
    )


def test_a_browser_is_asked_for_a_password_unless_a_page_of_ours_asks() -> None:
    assert login_failed().headers["WWW-Authenticate"] == 'Basic realm="RabbitMQ Management"'
    assert login_failed(asks_for_login=False).headers == {}
    assert (no_credentials().error, no_credentials().status) == ("", 401)
