"""Regular expressions of Java as Sail's (Rust's) have to be told them, to match the same.

Java's ``\\w``, ``\\d``, ``\\s`` and POSIX classes are of ASCII, its ``.`` stops at more line breaks than ``\\n``, and
``$`` stands before a line break at the end, too (java.util.regex.Pattern, and the syntax of the crate regex). What has
no words in Rust is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lakelet.etl.sail import engine

_NO_SPACES = r"\x{85}\x{2028}\x{2029}"  # line breaks that \s does not match
_BREAKS = rf"\n\r{_NO_SPACES}"
_END = rf"(?:\r\n|[{_BREAKS}])?\z"
_CLASSES = {  # within brackets, too: Rust has classes in classes
    "d": "[0-9]", "D": "[^0-9]", "w": "[a-zA-Z0-9_]", "W": "[^a-zA-Z0-9_]", "s": r"[ \t-\r]", "S": r"[^ \t-\r]",
    "h": r"[ \t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]",
    "v": rf"[\x0B\f{_BREAKS}]", "e": r"\x1B", "b": r"(?-u:\b)",
}  # fmt: skip
_POSIX = re.compile(r"\{(Lower|Upper|ASCII|Alpha|Digit|Alnum|Punct|Graph|Print|Blank|Cntrl|XDigit|Space)\}")
_PROPERTY = re.compile(r"\{(?:Is)?([LMNPSZ][a-z]?|Alphabetic|Uppercase|Lowercase)\}|([LMNPSZ])")
_FLAGS = re.compile(r"\(\?([is]*(?:-[is]+)?)([:)])")
_NAMED = re.compile(r"\(\?<[a-zA-Z]\w*>")
_SPACES = re.compile(r"(?<!\\)(?:\\\\)*\\s[*+]\)?$")
_WITH_A_MEANING = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
_SAME = "Azntrfax"  # letters behind a backslash that mean the same
_RANGE = re.compile(r"([^\\\[\]&^-])-([^\\\[\]])")
# A class, a quoted text or a sign that Python's patterns have not.
_SOME_SIGN = re.compile(
    r"\\Q.+?\\E|\\[pP](?:\{\w+\}|\w)|\\[hHvVRXN]|\[\^?\]?(?:\\.|[^\[\]\\]|\[(?:\\.|[^\]\\])*\])*\]", re.DOTALL
)
_FOLDED = "sSkK"  # to Rust they are letters beyond ASCII in another case, too
_OF_ONE_CASE = ("Lower", "Upper", "Lu", "Ll", "Lt", "Uppercase", "Lowercase")


class Pattern(NamedTuple):
    """A pattern in Rust's words; ``ends``: line breaks before which, at the end of a text, its ``$`` matches on Spark
    alone."""

    text: str
    ends: str


@lru_cache(maxsize=256)
def in_rust(java: str, *, truth: bool) -> Pattern:
    """A pattern of Java's; ``truth``: all that is asked is whether it matches. Raises UnsupportedError."""
    return _Reader(java, truth=truth).read()


class _Reader:
    """One pattern, from its beginning to its end."""

    def __init__(self, java: str, *, truth: bool) -> None:
        self.java, self.truth, self.at = java, truth, 0
        self.made: list[str] = []
        self.depth = 0  # of brackets
        self.flags = [""]  # of each group that is open
        self.opened: list[int] = []  # where each group that is open has its parenthesis
        self.ends = ""

    def read(self) -> Pattern:
        """The pattern; once."""
        while self.at < len(self.java):
            self._step(self.java[self.at])
        return Pattern("".join(self.made), self.ends)

    def _step(self, sign: str) -> None:
        behind = self.java[self.at + 1 : self.at + 2]
        if sign == "\\":
            self._escaped(behind)
        elif self.depth:
            self._in_brackets(sign, behind)
        elif sign == "[":
            if re.match(r"\[\^?\]", self.java[self.at :]):
                raise self._refused("a bracket in brackets is read in another way")
            self.depth = 1
            self._take(1, "(?-i:[" if self._folds() else "[")
        elif sign == "(":
            self._group(behind)
        elif sign in "*+?}" and behind == "+":
            raise self._refused("there are no possessive quantifiers")
        elif sign == "." and "s" not in self.flags[-1]:
            self._take(1, f"[^{_BREAKS}]")
        elif sign == "$":
            self._end(1)
        else:
            if sign == ")" and len(self.flags) > 1:
                self.flags.pop()
                self._require_one_capture(self.opened.pop(), behind)
            self._take(1, self._letter(sign))

    def _folds(self) -> bool:
        """Whether letters are alike in both cases."""
        return "i" in self.flags[-1]

    def _letter(self, sign: str) -> str:
        return f"(?-i:[{sign}{sign.swapcase()}])" if self._folds() and sign in _FOLDED else sign

    def _class(self, made: str) -> str:
        return f"(?-i:{made})" if self._folds() and not self.depth and made.startswith("[") else made

    def _require_one_capture(self, opening: int, behind: str) -> None:
        """Refuse a repeated group that may be empty: the last time that it matches is another one."""
        if self.truth or behind not in ("*", "+", "{"):
            return
        group = self.java[opening : self.at + 1]
        try:  # Python's pattern of it, without classes
            may_be_empty = re.fullmatch(_SOME_SIGN.sub("x", group).replace("(?<", "(?P<"), "") is not None
        except re.error:
            may_be_empty = True
        if may_be_empty and re.search(r"\((?!\?[^<])", group):
            raise self._refused("a repeated group that may be empty has other contents")

    def _escaped(self, behind: str) -> None:
        if self._folds() and (behind in ("x", "u") or (behind == "Q" and self.depth)):
            raise self._refused(f"\\{behind} is of one case under (?i)")
        if behind == "Q":
            end = self.java.find("\\E", self.at)
            text = self.java[self.at + 2 : end if end >= 0 else None]
            made = (self._letter(one) if one.isalpha() else _WITH_A_MEANING.sub(r"\\\g<0>", one) for one in text)
            self._take(len(text) + (4 if end >= 0 else 2), "".join(made))
        elif behind in ("p", "P"):
            self._property(behind)
        elif behind == "b" and (self.depth or self.java[self.at + 2 :][:1] == "{"):
            raise self._refused("\\b is another thing there")
        elif behind in _CLASSES:
            self._take(2, self._class(_CLASSES[behind]))
        elif behind == "Z":
            self._end(2)
        elif behind == "u" and re.match(r"[0-9a-fA-F]{4}", self.java[self.at + 2 :]):
            self._take(6, rf"\x{{{self.java[self.at + 2 : self.at + 6]}}}")
        elif behind and behind in _SAME:
            self._take(2)
        elif not behind or (behind.isascii() and behind.isalnum()):
            raise self._refused(f"\\{behind} is not there, or another thing")
        else:
            plain = behind in "<> \n\t\"'%,:;=@_`!/" or not behind.isascii()
            self._take(2, behind if plain else f"\\{behind}")

    def _property(self, sign: str) -> None:
        rest = self.java[self.at + 2 :]
        if self._folds() and re.match(rf"\{{(?:Is)?(?:{'|'.join(_OF_ONE_CASE)})\}}", rest):
            raise self._refused(f"\\{sign}{rest[:12]} is of one case under (?i)")
        if found := _POSIX.match(rest):
            one = f"[:{'^' if sign == 'P' else ''}{found[1].lower()}:]"
            self._take(2 + found.end(), one if self.depth else self._class(f"[{one}]"))
        elif found := _PROPERTY.match(rest):
            self._take(2 + found.end(), rf"\{sign}{{{found[1] or found[2]}}}")
        else:
            raise self._refused(f"\\{sign}{rest[:12]} is not there, or another thing")

    def _in_brackets(self, sign: str, behind: str) -> None:
        if sign + behind in ("--", "~~", "[:"):
            raise self._refused(f"{sign}{behind} in brackets is read in another way")
        self.depth += {"[": 1, "]": -1}.get(sign, 0)
        if not self._folds():
            self._take(1)
        elif found := _RANGE.match(self.java, self.at):
            self._take(len(found[0]), found[0] + _of_other_case(*found.groups()))
        else:
            made = sign + sign.swapcase() if sign.isalpha() else sign
            self._take(1, made if self.depth else "])")

    def _group(self, behind: str) -> None:
        self.opened.append(self.at)
        if behind != "?":
            self.flags.append(self.flags[-1])
            self._take(1)
        elif found := _FLAGS.match(self.java, self.at):
            on, _, off = found[1].partition("-")
            if "i" in on and not self.java.isascii():
                raise self._refused("letters beyond ASCII are alike in both cases")
            flags = "".join(one for one in {*self.flags[-1], *on} if one not in off)
            if found[2] == ":":
                self.flags.append(flags)
            else:
                self.flags[-1] = flags
                self.opened.pop()
            self._take(len(found[0]))
        elif found := _NAMED.match(self.java, self.at):
            self.flags.append(self.flags[-1])
            self._take(len(found[0]))
        else:
            raise self._refused("there is no looking around, and other flags than i and s are other ones")

    def _end(self, length: int) -> None:
        if not self.truth:  # a break that has been taken for a space is none to stand before
            spaces = _SPACES.search(self.java[: self.at])
            self.ends = max(self.ends, _NO_SPACES if spaces else _BREAKS, key=len)
        self._take(length, _END if self.truth else "$")

    def _take(self, length: int, made: str | None = None) -> None:
        self.made.append(self.java[self.at : self.at + length] if made is None else made)
        self.at += length

    def _refused(self, why: str) -> Exception:
        return engine.otherwise(f"The pattern {self.java!r}", why)


def _of_other_case(first: str, last: str) -> str:
    """The ranges of letters that those of a range are in the other case."""
    made = ""
    for lowest, highest in ("az", "AZ"):
        begin, end = max(first, lowest), min(last, highest)
        if begin <= end:
            made += f"{begin.swapcase()}-{end.swapcase()}"
    return made
