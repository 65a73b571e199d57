"""Reading a TOML table strictly: every key once, of the right kind, and none left over."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lakelet.workspace.errors import UsageError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Reader:
    """One table of a board file; keys are taken out as they are read, and :meth:`done` refuses the rest.

    ``where`` is the path to the table inside ``file`` (``charts[2]``); every error names both.
    """

    def __init__(self, file: str, values: dict[str, Any], where: str = "") -> None:
        self._file, self._values, self._where = file, dict(values), where

    def error(self, key: str, problem: str) -> UsageError:
        """The error for one key: ``flights.toml: charts[2].type is missing: …``."""
        place = ".".join(part for part in (self._where, key) if part)
        return UsageError(f"{self._file}: {place} {problem}.")

    def has(self, key: str) -> bool:
        """Whether the table has that key (still to be read)."""
        return key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a ``default`` it must be there and not be empty."""
        value = self._take(key, default, "a text in quotes")
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.error(key, f"is {value!r}: write a text in quotes")
        return value

    def count(self, key: str, default: int) -> int:
        """A whole number from 1 to 10,000, or the ``default``."""
        value = self._values.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or (value != default and not 1 <= value <= 10_000):
            raise self.error(key, f"is {value!r}: write a whole number from 1 to 10000")
        return value

    def choice(self, key: str, options: Sequence[str], default: str | None = None) -> str:
        """One of the ``options``."""
        value = self._take(key, default, "one of " + ", ".join(options))
        if value not in options:
            raise self.error(key, f"is {value!r}: write one of {', '.join(options)}")
        return str(value)

    def column(self, key: str, default: str | None = None) -> str:
        """The name of a column of the dataset or of ``[columns]``."""
        value = self.text(key, default)
        return self.name(value, key) if value else value

    def name(self, value: str, key: str) -> str:
        """``value``, when it can name a column; a computed one belongs into ``[columns]``."""
        if not _NAME.fullmatch(value):
            raise self.error(key, f"is {value!r}, which is no column name: give the expression a name in [columns]")
        return value

    def checked(self, check: Callable[[str], str], value: Any, key: str) -> str:
        """``value`` as ``check`` returns it; its ``ValueError`` becomes the sentence about ``key``."""
        if not isinstance(value, str):
            raise self.error(key, f"is {value!r}: write a text in quotes")
        try:
            return check(value)
        except ValueError as error:
            raise self.error(key, str(error)) from error

    def mapping(self, key: str) -> dict[str, Any]:
        """A table of names the author chose, empty when absent."""
        value = self._values.pop(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"is {value!r}: write a table [{key}]")
        return value

    def table(self, key: str) -> Reader:
        """A table inside this one, empty when absent."""
        return Reader(self._file, self.mapping(key), self._inside(key))

    def tables(self, key: str) -> list[Reader]:
        """A list of tables (``[[key]]``), empty when absent."""
        value = self._values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.error(key, f"is not a list of tables: write [[{self._inside(key)}]]")
        return [Reader(self._file, entry, f"{self._inside(key)}[{n}]") for n, entry in enumerate(value, 1)]

    def entry(self, key: str, short: str) -> Reader:
        """A table that may be shortened to a text: ``x = "month"`` is ``x = {column = "month"}`` for short column."""
        return self._entry(self._take(key, None, f"{{{short} = …}}"), key, short, self._inside(key))

    def entries(self, key: str, short: str) -> list[Reader]:
        """One or several of :meth:`entry`: a text, a table, or a list of them."""
        value = self._take(key, None, f"[{{{short} = …}}, …]")
        if not isinstance(value, list):
            return [self._entry(value, key, short, self._inside(key))]
        if not value:
            raise self.error(key, "is empty: write at least one")
        return [self._entry(item, key, short, f"{self._inside(key)}[{n}]") for n, item in enumerate(value, 1)]

    def done(self) -> None:
        """Refuse the keys that nothing has read."""
        for key in self._values:
            raise self.error(key, "is not known here: remove it, or see docs/boards.md for the names")

    def _take(self, key: str, default: str | None, expected: str) -> Any:
        if key in self._values:
            return self._values.pop(key)
        if default is None:
            raise self.error(key, f"is missing: write {expected}")
        return default

    def _entry(self, value: Any, key: str, short: str, where: str) -> Reader:
        if isinstance(value, str):
            value = {short: value}
        if not isinstance(value, dict):
            raise self.error(key, f'is {value!r}: write a text or {{{short} = "…"}}')
        return Reader(self._file, value, where)

    def _inside(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key
