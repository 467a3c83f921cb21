from cluster.definitions.inquiry import looking_up, reading
from cluster.metadata.contents import Contents
from tests.support.inquiries import put, run


def test_keys_are_looked_up_at_one_moment_and_ranges_are_read() -> None:
    contents = Contents()
    put(contents, b"a")
    found = run(contents, looking_up((b"a", b"b")))
    assert found == {b"a": contents.now(b"a"), b"b": None}
    assert run(contents, reading(b"a", b"z")).items == (contents.now(b"a"),)
