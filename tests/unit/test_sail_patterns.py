"""Java's regular expressions in Rust's words; what they match is compared in tests/stack/test_engines_compared.py."""

from __future__ import annotations

import pytest

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail.patterns import in_rust
from lakelet.etl.sail.sql_text import as_spark


@pytest.mark.parametrize(
    "java", ["", "abc", "a|b", "[a-z]+", r"\.\\\[", "(a)(?:b)?", "(?i)ab", "(?<n>x)", r"\t\n", "a{2,3}", "[^,]*,", "^a"]
)
def test_what_means_the_same_stays_as_it_is(java: str) -> None:
    for truth in (True, False):
        assert in_rust(java, truth=truth) == (java, "")


@pytest.mark.parametrize(
    ("java", "rust"),
    [
        (r"\d[\w-]", "[0-9][[a-zA-Z0-9_]-]"),
        (r"\p{Alpha}[^\p{Punct}]", "[[:alpha:]][^[:punct:]]"),
        (r"\pL\P{IsAlphabetic}", r"\p{L}\P{Alphabetic}"),
        (r"\Qa.b\E.\<", r"a\.b[^\n\r\x{85}\x{2028}\x{2029}]<"),
        ("(?s:.)(?i)a", "(?s:.)(?i)a"),
        (r"\bé", r"(?-u:\b)é"),
    ],
)
def test_what_means_another_thing_is_told_otherwise(java: str, rust: str) -> None:
    assert in_rust(java, truth=True).text == rust


def test_an_end_is_before_a_line_break_too() -> None:
    assert in_rust("a$", truth=False) == in_rust(r"a\Z", truth=False) == ("a$", r"\n\r\x{85}\x{2028}\x{2029}")
    assert in_rust(r"\s+$", truth=False).ends == in_rust(r"^(\s*)$", truth=False).ends == r"\x{85}\x{2028}\x{2029}"
    assert (
        in_rust(r"\s*$|x$", truth=False).ends == in_rust(r"\\s+$", truth=False).ends == in_rust("$", truth=False).ends
    )
    assert in_rust("a$", truth=True) == (r"a(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z", "")
    assert in_rust(r"a[$]\$\z", truth=False) == (r"a[$]\$\z", "")


@pytest.mark.parametrize("java", ["a++", "a*+", "(?=a)", "(?<!a)", "(?>a)", r"(a)\1", "(?m)a", "(?U)a", "(?i)é", "\\"])
def test_what_rust_has_no_words_for_is_refused_by_name(java: str) -> None:
    with pytest.raises(UnsupportedError, match="--engine spark"):
        in_rust(java, truth=True)


def test_patterns_of_sql_are_told_where_they_stand() -> None:
    assert as_spark(r"s rlike '\\w' and t not regexp r'\d' or u rlike 'a'") == (
        "s rlike '[a-zA-Z0-9_]' and t not regexp '[0-9]' or u rlike 'a'"
    )
    plain = "select regexp_replace(trim('s'), 'ab', 'c') from t"
    assert as_spark(plain) == plain
    assert "'([0-9]+)', (1))" in as_spark(r"select regexp_extract(s, '(\\d+)', 1) from t")
    assert as_spark("s rlike p").startswith("s rlike CASE WHEN rlike((p), ")
    assert as_spark("f(s) not rlike '[.]'") == "f(s) not rlike '[.]'"
    assert as_spark(r"m['k'] rlike r'\s'") == r"m['k'] rlike '[ \\t-\\r]'"
    names = "select regexp, rlike r, t.regexp as q, t.rlike = 'a' from t where regexp = 'b' order by regexp desc"
    assert as_spark(names) == names
