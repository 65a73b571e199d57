"""Which errors on Sail are the script's own: on Spark it would end with them too, so it is not run again there.

Certain are: a Python function of the script that fails, a path, table or column that does not exist, and text that is
no SQL. A column counts as unknown only when its name is nowhere in the plan: neither in the schema of what is read nor
as a name that the plan makes. All else may be Sail's, and falls back to Spark (:mod:`lakelet.jobs.fallback`).
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_PLAN = "_lakelet_plan"  # an attribute of an error: pyspark's client, and the plan that Sail did not take
_MISSING = re.compile(r"attribute ObjectName\(\[(.+?)\]\) is missing|\[UNRESOLVED_COLUMN\] Cannot find column (\w+)$")
_IDENTIFIER = re.compile(r'Identifier\("([^"]+)"\)')
_UNEXPECTED = re.compile(r"^invalid argument: found (.+?) at \d+:\d+ expected ")
_NO_TABLE = re.compile(r"\[TABLE_OR_VIEW_NOT_FOUND\] Table or view not found: ([\w.]+)$")
# What our own modules raise in Spark's words before Sail is asked.
_SPARKS_OWN = ("[PATH_NOT_FOUND]", "[ALL_PARTITION_COLUMNS_NOT_ALLOWED]", "Partition column `")
_MADE = frozenset(("col", "key", "value", "pos", "id", "window", "start", "end"))  # names that functions give columns
# The first words of Spark's statements (SqlBaseParser.g4, 4.1).
_STATEMENTS = frozenset(
    (
        "add", "alter", "analyze", "begin", "cache", "call", "clear", "close", "comment", "commit", "create", "declare",
        "delete", "desc", "describe", "dfs", "drop", "execute", "explain", "export", "fetch", "from", "grant", "import",
        "insert", "list", "load", "lock", "map", "merge", "msck", "open", "reduce", "refresh", "repair", "replace",
        "reset", "revoke", "rollback", "select", "set", "show", "start", "table", "truncate", "uncache", "unlock",
        "update", "use", "values", "with",
    )
)  # fmt: skip


def install(workspace: Workspace) -> None:
    """Have the plan kept with each error that Sail answers."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import SparkConnectClient

    fetch, analyze = SparkConnectClient._execute_and_fetch_as_iterator, SparkConnectClient._analyze

    def fetched(client: Any, request: Any, *args: Any, **options: Any) -> Iterator[Any]:
        try:
            yield from fetch(client, request, *args, **options)
        except PySparkException as error:
            vars(error).setdefault(_PLAN, (client, request.plan))
            raise

    def analyzed(client: Any, method: str, **asked: Any) -> Any:
        try:
            return analyze(client, method, **asked)
        except PySparkException as error:
            vars(error).setdefault(_PLAN, (client, asked.get("plan")))
            raise

    engine.replace(SparkConnectClient, "_execute_and_fetch_as_iterator", fetched)
    engine.replace(SparkConnectClient, "_analyze", analyzed)


def user_error(error: BaseException) -> BaseException | None:
    """An error as Spark would raise it, if the script's is the fault for certain; None when Sail's it may be."""
    from pyspark.errors import AnalysisException, ParseException, PySparkAttributeError, PythonException

    text = str(error)
    if isinstance(error, PythonException):
        script = getattr(sys.modules["__main__"], "__file__", None)
        return error if script and f'File "{script}"' in text else None
    if isinstance(error, PySparkAttributeError):
        return error if _is_unknown_attribute(error) else None
    if isinstance(error, ParseException) and text.startswith("[PARSE_SYNTAX_ERROR]"):
        return error
    if unexpected := _UNEXPECTED.search(text):
        return _syntax_error(error, unexpected[1])
    if not isinstance(error, AnalysisException):
        return None
    if text.startswith(_SPARKS_OWN):
        return error
    first = text.partition("\n")[0]
    sentence = _unknown_table(error, first) or _unknown_column(error, first)
    return AnalysisException(sentence).with_traceback(error.__traceback__) if sentence else None


def require_statement(text: str) -> None:
    """Raises ParseException, as Spark does, for a text whose first word begins no statement of Spark's."""
    from pyspark.errors import ParseException

    word = re.match(r"\s*([A-Za-z_]\w*)", text)
    if word and word[1].lower() not in _STATEMENTS:
        line, at = text[: word.start(1)].count("\n") + 1, len(text[: word.start(1)].rpartition("\n")[2])
        raise ParseException(
            f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{word[1]}'. SQLSTATE: 42601 (line {line}, pos {at})\n\n"
            f"== SQL ==\n{text}"
        )


def unresolved(name: str, columns: list[str]) -> str:
    """Spark's sentence about a column that does not exist, with the nearest names first."""
    start = f"A column, variable, or function parameter with name `{name.replace('.', '`.`')}` cannot be resolved."
    if not columns:
        return f"[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] {start} SQLSTATE: 42703"

    def unlikeness(column: str) -> float:
        return -difflib.SequenceMatcher(None, name.rpartition(".")[2].lower(), column.lower()).ratio()

    near = ", ".join(f"`{column}`" for column in sorted(dict.fromkeys(columns), key=unlikeness)[:5])
    return f"[UNRESOLVED_COLUMN.WITH_SUGGESTION] {start} Did you mean one of the following? [{near}]. SQLSTATE: 42703"


def _is_unknown_attribute(error: Any) -> bool:
    """Whether a data frame has no such column, and Spark's own data frame no such attribute."""
    from pyspark.sql.classic.dataframe import DataFrame

    name = (error.getMessageParameters() or {}).get("attr_name", "")
    return error.getCondition() == "ATTRIBUTE_NOT_SUPPORTED" and not hasattr(DataFrame, name)


def _syntax_error(error: Any, word: str) -> BaseException | None:
    """The error of a statement that neither Sail nor sqlglot can parse."""
    import sqlglot
    from pyspark.errors import ParseException

    _, plan = vars(error).get(_PLAN, (None, None))
    for statement in [text for text, is_sql in _strings(plan) if is_sql] if plan is not None else ():
        try:
            sqlglot.parse_one(statement, dialect="spark")
        except sqlglot.errors.SqlglotError:
            sentence = (
                f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{word}'. SQLSTATE: 42601\n\n== SQL ==\n{statement}"
            )
            return ParseException(sentence).with_traceback(error.__traceback__)
    return None


def _unknown_table(error: Any, sentence: str) -> str:
    from lakelet.catalog.client import get_table
    from lakelet.workspace.errors import EntityNotFoundException

    found = _NO_TABLE.search(sentence)
    _, plan = vars(error).get(_PLAN, (None, None))
    if not found or plan is None:
        return ""
    *database, name = found[1].split(".")
    makes_it = re.compile(rf"\b{re.escape(name)}\b`?\s*(\([^)]*\)\s*)?as\s*\(", re.IGNORECASE)  # WITH name AS (…
    if len(database) > 1 or database == ["global_temp"] or any(makes_it.search(text) for text, _ in _strings(plan)):
        return ""
    try:
        get_table(Workspace.find(), database[0] if database else "default", name)
    except EntityNotFoundException:
        quoted = "`.`".join((*database, name))
        return (
            f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `{quoted}` cannot be found. Verify the spelling and "
            "correctness of the schema and catalog. SQLSTATE: 42P01"
        )
    return ""


def _unknown_column(error: Any, sentence: str) -> str:
    found = _MISSING.search(sentence)
    client, plan = vars(error).get(_PLAN, (None, None))
    if not found or plan is None:
        return ""
    path = [found[2]] if found[2] else _IDENTIFIER.findall(found[1])
    columns = _columns(client, plan)
    if columns is None:
        return ""
    own, made = columns
    known = {name.lower() for name in (*own, *made)} | _MADE
    if path[-1].lower() in known or (len(path) > 1 and path[0].lower() in {name.lower() for name in own}):
        return ""
    return unresolved(".".join(path), own)


def _columns(client: Any, plan: Any) -> tuple[list[str], set[str]] | None:
    """The columns of what a plan reads, with the fields of their structs, and the names that it makes; None when they
    cannot be known."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect import proto

    own: list[str] = []
    made: set[str] = set()
    try:
        for leaf in _leaves(plan):
            if leaf.WhichOneof("rel_type") == "sql":
                tables, aliases = _of_statement(leaf.sql.query)
                made |= aliases
            else:
                tables = [leaf]
            for table in tables:
                own += _names(client.schema(proto.Plan(root=table)))
    except (PySparkException, ValueError, RecursionError):
        return None
    for text, is_sql in _strings(plan):
        made |= set(_aliases(text)) if is_sql else {text}
    return own, made


def _of_statement(text: str) -> tuple[list[Any], set[str]]:
    """The tables of a statement, to be asked for their columns, and the names that it makes. Raises ValueError for what
    cannot be parsed."""
    import sqlglot
    from pyspark.sql.connect import proto
    from sqlglot import exp

    try:
        statement = sqlglot.parse_one(text, dialect="spark")
    except sqlglot.errors.SqlglotError as error:
        raise ValueError(text) from error
    if any(statement.find_all(exp.Lateral, exp.Pivot, exp.Values, exp.Explode, exp.Inline)):
        raise ValueError(text)  # they make columns
    made = {one.alias.lower() for one in statement.find_all(exp.Alias, exp.CTE, exp.Subquery) if one.alias}
    made |= {str(column.name).lower() for alias in statement.find_all(exp.TableAlias) for column in alias.columns}
    tables = []
    for table in statement.find_all(exp.Table):
        name = ".".join(part.name for part in table.parts)
        if name.lower() not in made:
            relation = proto.Relation()
            relation.read.named_table.unparsed_identifier = name
            tables.append(relation)
    return tables, made


def _aliases(text: str) -> Iterator[str]:
    """The words of an SQL expression that may be names which it makes."""
    for found in re.finditer(r"\bas\s+`?(\w+)|(\w+)\s*->", text, re.IGNORECASE):
        yield found[1] or found[2]


def _leaves(message: Any) -> Iterator[Any]:
    """The relations in a plan that have no relation below them."""
    from pyspark.sql.connect import proto

    below = [leaf for field, value in message.ListFields() for one in _messages(field, value) for leaf in _leaves(one)]
    if not below and isinstance(message, proto.Relation):
        yield message
    yield from below


def _strings(message: Any) -> Iterator[tuple[str, bool]]:
    """The texts in a plan but the names that refer to columns, and whether each is SQL."""
    from pyspark.sql.connect import proto

    for field, value in message.ListFields():
        if isinstance(message, proto.Expression.UnresolvedAttribute):
            continue
        if isinstance(message, proto.Join) and field.name == "using_columns":
            continue
        sql = field.name in ("expression", "query")
        for one in _messages(field, value):
            yield from _strings(one)
        if field.type == field.TYPE_STRING and not isinstance(message, proto.SQL | proto.Read):
            yield from ((one, sql) for one in ([value] if isinstance(value, str) else value))
        elif isinstance(message, proto.SQL) and field.name == "query":
            yield value, True


def _messages(field: Any, value: Any) -> Iterator[Any]:
    if field.type != field.TYPE_MESSAGE:
        return
    if field.message_type.GetOptions().map_entry:
        yield from (one for one in value.values() if hasattr(one, "ListFields"))
    elif hasattr(value, "ListFields"):
        yield value
    else:
        yield from value


def _names(kind: Any) -> list[str]:
    """The names of the fields of a type, at every depth."""
    from pyspark.sql import types as T

    if isinstance(kind, T.StructType):
        return [name for field in kind.fields for name in (field.name, *_names(field.dataType))]
    if isinstance(kind, T.ArrayType):
        return _names(kind.elementType)
    return [*_names(kind.keyType), *_names(kind.valueType)] if isinstance(kind, T.MapType) else []
