"""Java's regular expressions on both engines: patterns by texts, in each function that takes one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pyspark.sql import functions as F

Make = Callable[[Any, Any], Any]

# A $ before the line break at their end, and characters of two units, are refused where it is asked what matches.
ENDING = ("a\n", "a\r", "a\u2028", "a\u0085", "ab\n\n", "a\r\n", "😀x")
TEXTS = (
    "", "a", "abc", "aab", "a b", "a  ", "  a", "é1", "É", "٣", "a\u00a0b", "a\u2003b", "a\r\nb", "a\nb", "aAb",
    "a,b.c", "a$b+c", "tab\t\x0b", "foo=1;bar=22", "x_1-y", "a{b}[c]", "<b>x</b>", "a\\b", "1.5e3", "2024-01-05",
    "é é", "日本 1", "ſ", "xK\u212a", "aſb", "\x01\x7f", "A-Z", "a'b", '"q"', "#c d", "+12", "x@y.z",
)  # fmt: skip
PATTERNS = (
    r"\w", r"\W+", r"\d+", r"\D", r"\s", r"\S+", r"[\w-]+", r"[^\w]", r"[\W_]", r"[^\s\d]", ".", ".+", "a.", "a$",
    "^a$", r"\s+$", r"^\s+|\s+$", r"^\s+", "(?i)a", "(?i)[a-c]+", "(?i:A)b", "(?s)a.b", "(?s).+", r"\p{Upper}",
    r"\p{Alpha}+", r"\p{Punct}", r"\P{Alnum}", r"[\p{Lower}\d]+", r"[^\p{Punct}]", r"\p{L}+", r"\p{Lu}", r"\P{L}",
    r"\p{IsAlphabetic}", r"[\p{L}\p{N}]+", r"\pL", r"\h", r"[\h]", r"\v", r"\t", r"\x61", r"\u0061", r"\Qa{b}\E",
    r"\Q.\E", r"\<b\>", "[a-c&&[^b]]+", r"(\w+)=(\d)", "(a)(b)?", "b{1,2}", r"\{", "[{}]", r"\[|\]", r"[\[\]]", r"\bb",
    "(?<n>b)", "a+?", r"\A.", r".\z", r".\Z", r"[\-.]", "[.$]", r"\$", r"\.", r"\\", "/", r"\/", r"\-", "é", "[é-ü]",
    "日.", r"[\t ]", r"[a-zA-Z]+\d*", r"^[^\d]+$", r"^\d{4}-\d{2}-\d{2}$", r"^[A-Za-z0-9._%+-]+@", r"\d+(\.\d+)?",
    " +", r"\ ", "'", '"', "#.*", "(?:ab)+", "(a|ab)(c|bcd)?", "[^,]*,", r"\s*[,;]\s*", r"\r\n|\r|\n", r"[\r\n]+",
    "[a&&b]", "[^a]", "[^.]", r"^(?:\+|-)?\d+$", r"[\d\-x]+", r"[a\]]", r"[\^a]", "[a^]", "[$]", "(^a)", "(a$)|b",
    "(?i)s", "(?i)[a-z]+", "(?i)[^k]", "(?i)k.", "(?i)[^A-Y&&[^s]]+", r"(?i)\w+", r"(?i)\Qs\E|x", "(?i:K)",
    "(?i)[$a-]", "(?i)(?<n>s)(?-i)k", "(?:(a)|b)+", "(?:a*)*b", "(a+)*b", "(ab?)+",
    r"(?i)\W", r"(?i)\p{Alpha}+", r"(?i)\P{Alnum}", r"(\p{Punct})+", r"(\p{L}+ ?)+", "(?<n>ab)+", r"(\Qab\E)+",
    r"([\w&&[^_]]+,)*x?y?[^z]",
)  # fmt: skip
OF_NOTHING = ("", "^", "$", r"\b", "^|$", r"^\s*")  # by split they are refused
NOT_THERE = (
    r"\Bb", "[a-z--b]", "(?m)^a", "a++", "(?=b)", r"(a)\1", r"\cA", r"\p{javaUpperCase}", "[]a]", "(?i)é", "(?x)a b",
    r"\G", r"\X", "[[:alpha:]]", "(?U)a", r"(?i)\p{Lower}", r"(?i)\x73", r"(?i)[\Qa\E]",
)  # fmt: skip
OF_EMPTY_GROUPS = ("(a*)*b", "(a|b*)*", "(a?)+", "((a)|b*){2}")
ALSO_NOTHING = (".*", "x*", "a|b|", r"\s*$")


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _raw(pattern: str) -> str:
    return f"r'{pattern}'" if "'" not in pattern else f'r"{pattern}"'


Of = Callable[[str], Any]
TRUTHS: Mapping[str, Of] = {
    "rlike": lambda one: F.col("s").rlike(one),
    "RLIKE": lambda one: F.expr(f"s RLIKE {_quoted(one)}"),
    "REGEXP and a raw text": lambda one: F.expr(f"NOT s REGEXP {_raw(one)}"),
}
MATCHES: Mapping[str, Of] = {
    "regexp_replace": lambda one: F.regexp_replace("s", one, "<x>"),
    "regexp_replace in SQL": lambda one: F.expr(f"regexp_replace(s, {_raw(one)}, '<$0>')"),
    "regexp_extract": lambda one: F.regexp_extract("s", one, 0),
    "regexp_extract of a group": lambda one: F.regexp_extract("s", one, 1 if re.search(r"\((?!\?[^<])", one) else 0),
    "regexp_extract_all": lambda one: F.regexp_extract_all("s", F.lit(one), F.lit(0)),
    "regexp_count": lambda one: F.regexp_count("s", F.lit(one)),
    "regexp_instr": lambda one: F.regexp_instr("s", F.lit(one)),
    "regexp_substr": lambda one: F.regexp_substr("s", F.lit(one)),
    "split": lambda one: F.split("s", one),
}


def _made(of: Of, texts: tuple[str, ...], patterns: tuple[str, ...], spark: Any, rows: Any) -> Any:
    told = spark.createDataFrame(list(enumerate(texts)), "id int, s string")
    return told.select("id", *(of(one).alias(f"p{at}") for at, one in enumerate(patterns)))


CASES: dict[str, Make] = {
    **{f"patterns by {name}": partial(_made, of, TEXTS + ENDING, PATTERNS + OF_NOTHING) for name, of in TRUTHS.items()},
    **{
        f"patterns by {name}": partial(_made, of, TEXTS, PATTERNS if name == "split" else PATTERNS + OF_NOTHING)
        for name, of in MATCHES.items()
    },
    "spaces before the end": partial(
        _made, MATCHES["regexp_replace"], ("a\n", "a \r\n", "ab\n\n", " a", "a\t"), (r"\s+$", r"^\s+|\s+$", r"(\s+)$")
    ),
    "patterns of a column": lambda spark, rows: rows.selectExpr("id", "s rlike if(id > 3, 'a+', '[^b]') AS a"),
}
REFUSED: dict[str, Make] = {
    **{f"pattern {one}": partial(_made, TRUTHS["rlike"], TEXTS, (one,)) for one in NOT_THERE},
    **{f"pattern {one} in SQL": partial(_made, TRUTHS["RLIKE"], TEXTS, (one,)) for one in ("a++", "(?=b)")},
    **{f"all of {one}": partial(_made, MATCHES["regexp_replace"], TEXTS, (one,)) for one in ALSO_NOTHING},
    **{f"split by {one}": partial(_made, MATCHES["split"], TEXTS, (one,)) for one in (*OF_NOTHING, ".*")},
    **{f"groups of {one}": partial(_made, MATCHES["regexp_extract"], TEXTS, (one,)) for one in OF_EMPTY_GROUPS},
    "a $ before a line break": partial(_made, MATCHES["regexp_replace"], ENDING, ("a$",)),
    "halves of a character": partial(_made, MATCHES["regexp_replace"], ENDING, ("",)),
    "words of a column": lambda spark, rows: rows.selectExpr("id", "s rlike concat('\\\\w', '+') AS a"),
}
