"""A SQL statement, read and judged: one SELECT (or EXPLAIN, SHOW, DESCRIBE) over catalogued tables, else refused.

DuckDB's dialect comes first, as it is; what only Athena's (Trino's) understands is translated by sqlglot. This runs
in the worker, never in the control process: a statement that explodes a parser explodes alone. It is the first of
two fences: :mod:`lakelet.query.sandbox` asks DuckDB's own parser again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from lakelet.query.pruning import filters
from lakelet.query.scans import Analysis, Reference
from lakelet.workspace.errors import QueryError

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

MAX_BYTES = 262_144  # Athena's limit on a query string (Amazon Athena, Service Quotas)
CATALOG = "awsdatacatalog"  # Athena's name of the Glue Data Catalog
TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "repeat_row"})
FORBIDDEN_FUNCTIONS = frozenset({"getenv", "current_setting"})
ACCEPTED = "only SELECT, EXPLAIN, SHOW DATABASES, SHOW TABLES and DESCRIBE are accepted"

_NESTED = (exp.Into, exp.DML, exp.DDL, exp.Command, exp.Describe, exp.Summarize, exp.Show, exp.Copy)
_SHOW = re.compile(
    r"show\s+(?:(?P<databases>databases|schemas)|tables(?:\s+(?:in|from)\s+(?P<database>[`\"]?[\w-]+[`\"]?))?)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Statement:
    """One accepted statement: its text, whether that is DuckDB's dialect, what it reads, and its EXPLAIN if any."""

    analysis: Analysis
    text: str = ""
    native: bool = True
    explain: str = ""

    def texts(self) -> Iterator[str]:
        """What to try in turn in DuckDB: the statement as written, then as Athena would understand it, translated."""
        if self.native:
            yield self.text
        with suppress(SqlglotError, QueryError, RecursionError):
            tree = sqlglot.parse_one(self.text, read="trino")
            _judge(tree, "")
            if (translated := tree.sql("duckdb")) != self.text:
                yield translated

    @property
    def verbs(self) -> str:
        """What stands before the text."""
        return f"{self.explain} " if self.explain else ""


def parse(sql: str) -> Statement:
    """Read one statement.

    Raises :class:`~lakelet.workspace.errors.QueryError`, which names what is refused or wrong.
    """
    if len(sql.encode()) > MAX_BYTES:
        raise QueryError(f"The statement is longer than {MAX_BYTES} bytes: shorten it.")
    if "\0" in sql:
        raise QueryError("The statement has a NUL character in it: remove it.")
    try:
        return _parse(sql)
    except RecursionError:
        raise QueryError("The statement is nested too deeply: simplify it.") from None


def _parse(sql: str) -> Statement:
    tokens = _tokens(sql)
    verb = tokens[0].text.upper()
    if verb == "SHOW":
        return _show(sql[tokens[0].start : tokens[-1].end + 1])
    if verb in ("DESCRIBE", "DESC"):
        return _describe(_text(sql, tokens[1:]))
    explain = ""
    if verb == "EXPLAIN":
        sql = sql[tokens[0].end + 1 :]  # the tokenizer takes all of an EXPLAIN for one command
        explain, tokens = verb, _tokens(sql)
        if tokens[0].text.upper() == "ANALYZE":
            sql = sql[tokens[0].end + 1 :]
            explain, tokens = "EXPLAIN ANALYZE", _tokens(sql)
    return _select(_text(sql, tokens), tokens[0].text.upper(), explain)


def _tokens(sql: str) -> list[Token]:
    try:
        tokens = sqlglot.tokenize(sql, read="duckdb")
    except SqlglotError as error:
        raise QueryError(f"The statement cannot be read: {_first_line(error)}.") from None
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise QueryError("The statement is empty: write a SELECT.")
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise QueryError("More than one statement was sent: send one at a time.")
    return tokens


def _select(text: str, verb: str, explain: str) -> Statement:
    failure: SqlglotError | None = None
    for dialect in ("duckdb", "trino"):
        try:
            tree = sqlglot.parse_one(text, read=dialect)
        except SqlglotError as error:
            failure = failure or error
            continue
        _judge(tree, verb)
        return Statement(Analysis("select", tuple(_references(tree))), text, dialect == "duckdb", explain)
    if verb not in ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "("):
        raise _refusal(verb)
    raise QueryError(f"The statement cannot be read: {_first_line(failure)}.")


def _judge(tree: exp.Expr, verb: str) -> None:
    if not isinstance(tree, (exp.Query, exp.Values)) or isinstance(tree, exp.Table):
        raise _refusal(verb)
    for node in tree.find_all(*_NESTED):
        if not isinstance(node, exp.Query):
            raise _refusal(type(node).__name__.upper() if not isinstance(node, exp.Command) else str(node.this).upper())
    for node in tree.find_all(exp.Func):
        name = _function_name(node)
        if name in FORBIDDEN_FUNCTIONS:
            raise QueryError(f"The function {name}() is refused: it reads outside the lake.")
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            name = _function_name(table.this)
            if name not in TABLE_FUNCTIONS:
                raise QueryError(
                    f"The table function {name}() is refused: read a table of the catalog (`SHOW TABLES IN database`)."
                )
        elif not isinstance(table.this, exp.Identifier):
            raise QueryError(f"{table.sql('duckdb')[:80]!r} is no table: read a table of the catalog.")


def _references(tree: exp.Expr) -> Iterator[Reference]:
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    found: dict[tuple[str | None, str], list[exp.Table]] = {}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        parts = [part.name.lower() for part in table.parts]
        name, database = parts[-1], parts[-2] if len(parts) > 1 else None
        if len(parts) > 3 or (len(parts) == 3 and parts[0] != CATALOG):
            raise QueryError(f"The catalog of {'.'.join(parts)!r} is unknown: write database.table.")
        if re.search(r"[/*?]|\.\w+$", name) and database is None:
            raise QueryError(f"{name!r} is a file, not a table of the catalog: register it, then name its table.")
        found.setdefault((database, name), []).append(table)
    for (database, name), places in found.items():
        yield Reference(database, name, database is None and name in own, filters(places))


def _show(text: str) -> Statement:
    match = _SHOW.fullmatch(text.strip())
    if not match:
        raise _refusal(" ".join(text.split()[:2]).upper())
    if match["databases"]:
        return Statement(Analysis("databases"))
    database = match["database"]
    return Statement(Analysis("tables", (Reference(database.strip('`"').lower() if database else None, ""),)))


def _describe(text: str) -> Statement:
    if not text or " " in text.split(".", maxsplit=1)[0].strip().strip('"'):
        raise _refusal("DESCRIBE of anything but a table")
    try:
        table = exp.to_table(text, dialect="duckdb")
    except SqlglotError:
        raise _refusal("DESCRIBE of anything but a table") from None
    if not isinstance(table.this, exp.Identifier) or table.args.get("joins"):
        raise _refusal("DESCRIBE of anything but a table")
    (reference,) = _references(table)
    return Statement(Analysis("describe", (reference,)))


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return str(node.sql_name()).lower() if isinstance(node, exp.Func) else type(node).__name__.lower()


def _text(sql: str, tokens: list[Token]) -> str:
    return sql[tokens[0].start : tokens[-1].end + 1] if tokens else ""


def _first_line(error: Exception | None) -> str:
    details = getattr(error, "errors", None)
    if details:
        one = details[0]
        return f"{one['description']} at line {one['line']}, column {one['col']}".replace("..", ".")
    return (str(error).splitlines() or ["it is malformed"])[0].rstrip(".")


def _refusal(what: str) -> QueryError:
    what = what if len(what) <= 60 else what[:57] + "..."
    return QueryError(f"{what} is refused: {ACCEPTED}.")
