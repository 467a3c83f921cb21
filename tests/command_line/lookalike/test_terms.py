"""Values as Erlang writes them."""

from command_line.lookalike.terms import Term, arguments, atoms, cell, compact, plain, term, type_of


def test_terms() -> None:
    assert term({"a": 1, "b": [True, 'x"y']}) == '[{"a",1},{"b",[true,"x\\"y"]}]'
    assert (cell(None), cell(False), cell("a\x1b"), cell(5)) == ("", "false", r"a\x1b", "5")


def test_arguments_are_pairs_in_tables_and_triples_in_json() -> None:
    shown = arguments({"x-max-length": 5, "x-queue-type": "quorum"})
    assert cell(shown) == '[{"x-max-length",5},{"x-queue-type","quorum"}]'
    assert plain(shown) == [
        ["x-max-length", "signedint", 5],
        ["x-queue-type", "longstr", "quorum"],
    ]
    assert (cell(arguments(None)), plain(arguments({}))) == ("[]", [])


def test_types() -> None:
    values: tuple[object, ...] = (True, 1, 2**40, 1.5, "s", {}, [], None)
    assert [type_of(value) for value in values] == [
        "bool",
        "signedint",
        "long",
        "double",
        "longstr",
        "table",
        "array",
        "void",
    ]


def test_other_forms() -> None:
    assert cell(atoms(["a", "b"])) == "[a, b]"
    assert plain(compact({"a": 1})) == '{"a":1}'
    assert (plain(None), plain(5), plain(Term("t", [1]))) == ("", 5, [1])
