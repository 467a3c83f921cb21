"""Random patterns and names, beside the engine that RabbitMQ uses: Erlang's own."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from amqp_server.broker.access.patterns import PatternError, compile_pattern, is_found

ESCRIPT = shutil.which("escript")
PATTERNS_COUNT = 600

# Not among them: \K in a lookaround, which PCRE2 refuses; \R before \s, which PCRE 8 gets wrong.
ATOMS = (
    *("a", "b", "A", "é", "É", "ó", ".", "-", "_", "^", "$", "|", "#", " ", "{", "{,3}", "{ 1}"),
    *("\\w", "\\W", "\\s", "\\S", "\\d", "\\D", "\\b", "\\B", "\\h", "\\A", "\\z", "\\Z", "\\X"),
    *("\\x41", "\\x{e9}", "\\x", "\\x4", "\\141", "\\o{141}", "\\cA", "\\j", "\\C", "\\/", "\\é"),
    *("\\Qa.b\\E", "\\Q[\\E", "(?#x[)", "\\p{L}", "(?i)", "(*F)", "\\1", "(?R)?", "[[:graph:]]"),
)
MEMBERS = (
    *("a", "b-d", "A-Z", "é", "ó", "-", ".", "\\]", "[", "^", "_", "{", "}", "\\-", "\\x", "\\b"),
    *("\\w", "\\W", "\\s", "\\S", "\\d", "\\h", "\\x{80}-\\xff", "\\Qa-]\\E", "[:alpha:]"),
    *("[:alnum:]", "[:^alnum:]", "[:punct:]", "[:^punct:]", "[:graph:]", "[:print:]", "[:lower:]"),
    *("[:space:]", "[:^space:]", "[:blank:]", "[:ascii:]", "[:word:]", "[:xdigit:]", "[:cntrl:]"),
)
OPENINGS = ("(", "(?:", "(?=", "(?!", "(?>", "(?i:", "(?s:", "(?<=", "(?<!", "(?|")
REPEATS = ("*", "+", "?", "*?", "++", "?+", "{2}", "{1,}", "{0,3}", "{1,2}+")
NAMES = (
    *("", "a", "A", "ab", "aab", "a.b", "é", "É", "ó", "ê", "aéb", "x y", "a_b-c", "[", "{,3}"),
    *("a\xa0b", "\t", "ß", "AB", "ñandú", "a\x0bb", "日本", "a{ 1}b", "j", "}", "a-]", "e9", "9"),
)
ERLANG = """\
main([Path]) ->
    {ok, [Cases]} = file:consult(Path),
    [io:format("~s~n", [answer(Case)]) || Case <- Cases].
answer({Pattern, Names}) ->
    case re:compile(Pattern) of
        {error, _} -> "refused";
        {ok, Compiled} -> [found(re:run(Name, Compiled, [{capture, none}])) || Name <- Names]
    end.
found(match) -> $1;
found(nomatch) -> $0.
"""


def a_class(chance: random.Random) -> str:
    start = chance.choice(["[", "[", "[^", "[]", "[^]"])
    return start + "".join(chance.choices(MEMBERS, k=chance.randint(1, 4))) + "]"


def a_pattern(chance: random.Random, depth: int = 0) -> str:
    parts = []
    for _ in range(chance.randint(1, 4)):
        kind = chance.random()
        if kind < 0.25:
            part = a_class(chance)
        elif kind < 0.4 and depth < 2:
            part = chance.choice(OPENINGS) + a_pattern(chance, depth + 1) + ")"
        else:
            part = chance.choice(ATOMS)
        parts.append(part + (chance.choice(REPEATS) if chance.random() < 0.3 else ""))
    return "".join(parts)


def a_name(chance: random.Random) -> str:
    return "".join(chance.choices("abAé_.-óê ²\xa0]{}", k=chance.randint(0, 6)))


def term(text: str) -> str:
    return f"<<{','.join(map(str, text.encode()))}>>"


@pytest.mark.skipif(ESCRIPT is None, reason="Erlang is not installed")
def test_patterns_mean_what_they_mean_to_rabbitmq(tmp_path: Path) -> None:
    chance = random.Random(8)
    patterns = [a_pattern(chance) for _ in range(PATTERNS_COUNT)]
    names = [*NAMES, *[a_name(chance) for _ in range(30)]]
    cases, script = tmp_path / "cases.term", tmp_path / "answers.escript"
    listed = ",".join(map(term, names))
    cases.write_text(f"[{','.join([f'{{{term(each)},[{listed}]}}' for each in patterns])}].\n")
    script.write_text(f"#!/usr/bin/env escript\n{ERLANG}")
    answers = subprocess.run(
        [str(ESCRIPT), str(script), str(cases)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    compared_count = 0
    for pattern, answer in zip(patterns, answers, strict=True):
        try:
            compiled = compile_pattern(pattern)
        except PatternError:
            continue  # never another meaning; by how many that is, the end says
        if answer != "refused":  # PCRE2 may say what PCRE could not
            found = "".join(["01"[is_found(compiled, name)] for name in names])
            assert found == answer, pattern
            compared_count += 1
    taken_count = sum(answer != "refused" for answer in answers)
    assert compared_count >= taken_count * 0.99
