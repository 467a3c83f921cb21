"""Forms that browsers send, and what looks like one."""

from hypothesis import given
from hypothesis import strategies as st

from management.http.form import FIELDS_MAX, fields_of
from management.http.request import Request


def _request(body: bytes, boundary: str = "b") -> Request:
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return Request("POST", "/", headers=headers, body=body)


def test_fields_are_found_by_name() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n1\r\n2\r\n--b--'
    )
    assert fields_of(_request(body)) == {"file": b"1\r\n2"}
    assert fields_of(_request(body, '"b"')) == {"file": b"1\r\n2"}
    assert fields_of(Request("POST", "/", body=body)) == {}


def test_fields_are_bounded() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\nx\r\n'
    body = b"".join([part % index for index in range(100)])
    assert len(fields_of(_request(body))) <= FIELDS_MAX


@given(st.binary(max_size=200), st.text(max_size=20))
def test_no_octets_fail(body: bytes, boundary: str) -> None:
    fields_of(_request(body, boundary))
