"""What a script needs of an engine, found by reading it: whether only Spark can run it, and what it will read.

It is told from names alone, before anything runs; when in doubt, Spark it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import catalog_tables, decimals, properties
from lakelet.etl.sail.file_options import FORMATS, is_refused
from lakelet.etl.sail.rules import REFUSED
from lakelet.etl.sail.sql_text import as_spark
from lakelet.etl.sail.statements import bare, is_query
from lakelet.jobs.script_texts import UNKNOWN, ScriptTexts

# Members of sessions, contexts, frames and functions that Sail does not have (docs/adr/0013-sail.md).
_MEMBERS = frozenset(
    (
        "_jvm", "_jsc", "_jdf", "_jsparkSession", "_sc", "rdd", "parallelize", "textFile", "wholeTextFiles",
        "accumulator", "hadoopConfiguration", "addPyFile", "addFile", "runJob", "setCheckpointDir",
        "create_dynamic_frame_from_rdd", "from_rdd", "toDS", "foreachPartition", "foreach", "mapPartitions",
        "checkpoint", "localCheckpoint", "getNumPartitions", "approxQuantile", "input_file_name", "spark_partition_id",
        "readStream", "writeStream", "forEachBatch", "saveAsTable", "insertInto", "writeTo", "bucketBy", "sortBy",
        "catalog", "orc", "xml", "jdbc", "create_dynamic_frame_from_jdbc_conf", "from_jdbc_conf",
        "write_dynamic_frame_from_jdbc_conf", "create_data_frame_from_stream", "intersectAll", "crosstab", "summary",
        "approxQuantile", "freqItems", "toJSON", "observe",
        *REFUSED.keys() - {"asinh", "from_json", "hypot", "quote", "weekday"},  # of Python, and a column's is there
    )
)  # fmt: skip
_ANSWERED = ("isEmpty", "tableExists", "dropTempView")  # of an RDD and of the session's catalog
_MODULES = (
    "pyspark.ml", "pyspark.mllib", "pyspark.streaming", "pyspark.pandas", "delta", "graphframes", "py4j",
)  # fmt: skip
_WORDS = frozenset(
    (
        "orc", "avro", "xml", "binaryFile", "jdbc", "delta", "iceberg", "hudi", "opensearch", "kafka", "kinesis",
        "mysql", "mariadb", "postgresql", "oracle", "sqlserver", "redshift", "mongodb", "documentdb", "dynamodb",
        "basePath", "pathGlobFilter", "attachFilename", "DROPMALFORMED", "columnNameOfCorruptRecord",
        "spark.jars", "spark.jars.packages",
    )
)  # fmt: skip
_OTHER_CATALOG = re.compile(r"\b(?:from|join)\s+(?:[\w`]+\s*\.\s*){2}[\w`]", re.IGNORECASE)
_UNKNOWN_TABLE = re.compile(rf"\b(?:from|join|table)\s+[^\s]*{UNKNOWN}", re.IGNORECASE)
_PATH = re.compile(r"s3[an]?://(?:[^\s*?\[{]+$|[^\s*?\[{]*/(?=[^/\s]*[*?\[{]))")  # to a pattern's first sign
_ROUNDED = ("avg", "mean", "average", "round", "bround")
_ROUNDING = re.compile(r"\b(?:avg|mean|b?round)\s*\(", re.IGNORECASE)
_NAMING = ("sql", "table")  # of spark: what names tables
_EXPRESSIONS = ("sql", "expr", "selectExpr", "where", "filter")  # whose texts are SQL
_DECIMAL = re.compile(r"\bdecimal\b", re.IGNORECASE)
_SETTERS = ("set", "config", "setConf")
_VERBS, _FILES = ("read", "write"), ("option", "options", "load", "save", *FORMATS)
_DATABASE, _NAME = ("database", "name_space"), ("table_name", "tableName")


_SPARK = ("pyspark", "awsglue", "awsgluedq")
_IMPORTS_SPARK = re.compile(rf"^\s*(from|import)\s+({'|'.join(_SPARK)})\b", re.MULTILINE)


@dataclass(frozen=True)
class Inputs:
    """What a script names: paths on S3, and tables as ``(database, name)``, of which SQL reads those ``queried``."""

    paths: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]
    queried: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)  # a choice looks at one script in several ways
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def imports_spark(source: str) -> bool:
    """Whether a script imports pyspark, awsglue or awsgluedq; of one that cannot be parsed, whether a line looks so."""
    try:
        tree = _parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return bool(_IMPORTS_SPARK.search(source))
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return any(name.partition(".")[0] in _SPARK for node in nodes for name in _imported(node))


def spark_alone(source: str) -> str:
    """Why only Spark can run a script, or empty."""
    try:
        tree = _parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return "it cannot be parsed"
    return next(_reasons(tree), "")


def inputs(source: str, arguments: Mapping[str, str]) -> Inputs:
    """The paths and tables that a script and its arguments name. A table that is made up of parts is not told."""
    tree = _parsed(source)
    texts = [*(_texts(tree)), *arguments.values()]
    tables = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = {keyword.arg: _text(keyword.value, arguments) for keyword in call.keywords}
        positional = [_text(one, arguments) for one in call.args]
        database = next((given[name] for name in _DATABASE if given.get(name)), None)
        table = next((given[name] for name in _NAME if given.get(name)), None)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "from_catalog" and not (database and table):
            database, table = (*[one for one in positional if one][:2], None, None)[:2]
        if database and table:
            tables.append((database, table))
    paths = (found[0] for one in texts if (found := _PATH.match(one)))
    queried = tuple(dict.fromkeys(_queried(tree)))
    return Inputs(tuple(dict.fromkeys(paths)), tuple(dict.fromkeys([*tables, *queried])), queried)


def _queried(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The tables that statements and ``spark.table`` name."""
    texts = ScriptTexts(tree)
    for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
        match call.func:
            case ast.Attribute(attr="sql"):
                yield from (name for one in _told(call, texts) or () for name in catalog_tables.named(one))
            case ast.Attribute(attr="table"):
                yield from filter(None, map(catalog_tables.of_name, _told(call, texts) or ()))


def arithmetic(source: str) -> str:
    """What a script computes that Sail refuses to do with decimals; empty for nothing of it."""
    for node in ast.walk(_parsed(source)):
        match node:
            case ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)) if name in _ROUNDED:
                return f"it uses {name}"
            case ast.Constant(value=str(text)) if text in _ROUNDED or _ROUNDING.search(text):
                return "it averages or rounds"
            case ast.BinOp(op=ast.Div(), left=left, right=right) if not (_is_text(left) or _is_text(right)):
                return "it divides"
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Mod()) if _is_whole(node.left, node.right):
                return "it has a whole number beside an operator"
            case ast.Call(func=ast.Attribute(attr=name), args=given) if name in _EXPRESSIONS:
                if any(decimals.computes(bare(text)) for one in given for text in _texts(one)):
                    return "its SQL divides, or has a whole number beside an operator"
    return ""


def names_decimals(source: str) -> bool:
    """Whether a script names the type of decimals."""
    tree = _parsed(source)
    names = {name for node in ast.walk(tree) if (name := getattr(node, "attr", getattr(node, "id", None)))}
    return "DecimalType" in names or any(_DECIMAL.search(text) for text in _texts(tree))


def _reasons(tree: ast.Module) -> Iterator[str]:
    texts = ScriptTexts(tree)
    answered = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Attribute) and one.attr in _ANSWERED}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"it imports {name}" for name in _imported(node) if _is_module(name))
        elif isinstance(node, ast.Attribute) and node.attr in _MEMBERS:
            if node.attr in ("rdd", "catalog") and id(node) in answered:
                continue
            yield f"it uses {node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _NAMING:
            yield from (_of_sql if node.func.attr == "sql" else _of_table)(node, texts)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILES:
            yield from _of_options(node, node.func)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SETTERS:
            yield from _of_property(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MEMBERS:
            yield f"it uses {node.func.id}"
    yield from (f"it names {text}" for text in _texts(tree) if text in _WORDS)


def _told(call: ast.Call, texts: ScriptTexts) -> list[str] | None:
    """The statements that a call of ``sql`` may run, or the names that one of ``table`` may have; None for any."""
    named = (keyword.value for keyword in call.keywords if keyword.arg in ("sqlQuery", "tableName"))
    expression = call.args[0] if call.args else next(named, None)
    return texts.of(expression) if expression is not None else None


def _of_table(call: ast.Call, texts: ScriptTexts) -> Iterator[str]:
    names = _told(call, texts)
    if not names or any(UNKNOWN in one for one in names):
        yield "its spark.table is known only when it runs"


def _of_sql(call: ast.Call, texts: ScriptTexts) -> Iterator[str]:
    statements = _told(call, texts)
    if not statements or any(one.lstrip().startswith(UNKNOWN) or _UNKNOWN_TABLE.search(one) for one in statements):
        yield "its spark.sql is known only when it runs"
    elif any(not is_query(one) or _OTHER_CATALOG.search(one) for one in statements):
        yield "its spark.sql uses the catalog"
    elif refused := [one for one in map(properties.of_statement, statements) if one and properties.is_refused(*one)]:
        yield f"its spark.sql sets {refused[0][0]}"
    else:
        try:
            for one in statements:
                as_spark(one)
        except UnsupportedError as error:
            yield f"its spark.sql has what Sail refuses ({str(error).partition(',')[0]})"


def _of_property(call: ast.Call) -> Iterator[str]:
    """A property of the session that Sail does not heed."""
    for name, value in _named(call):
        if properties.is_refused(name, _plain(value)):
            yield f"it sets {name}"


def _of_options(call: ast.Call, told: ast.Attribute) -> Iterator[str]:
    """The options of ``spark.read`` and ``df.write`` in a call that Sail has not."""
    at: ast.expr = told.value
    before = []  # of the format that this call tells at last
    while isinstance(at, ast.Call | ast.Attribute) and not (isinstance(at, ast.Attribute) and at.attr in _VERBS):
        before.append(at)
        at = at.func if isinstance(at, ast.Call) else at.value
    if not isinstance(at, ast.Attribute):
        return
    given = [(one.arg, one.value) for one in call.keywords if one.arg]
    if told.attr == "option":
        given += _named(call)
    for one in before if told.attr in FORMATS else ():
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "option":
            given += _named(one)
    for option, value in given:
        if is_refused(at.attr, told.attr if told.attr in FORMATS else "", option, _plain(value)):
            yield f"it {at.attr}s with the option {option}"


def _named(call: ast.Call) -> list[tuple[str, ast.expr]]:
    """The name and the value of a call of two, as of ``option`` and ``conf.set``; none, if the name is not told."""
    name, value = call.args if len(call.args) == 2 else (None, None)
    return [(str(name.value), value)] if isinstance(name, ast.Constant) and value is not None else []


def _plain(value: ast.expr) -> str | None:
    """A constant as a text; None for what only the run can know."""
    return str(value.value) if isinstance(value, ast.Constant) else None


def _imported(node: ast.Import | ast.ImportFrom) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def _is_module(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in _MODULES)


def _texts(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_whole(*nodes: ast.expr) -> bool:
    return any(isinstance(one, ast.Constant) and type(one.value) is int for one in nodes)


def _text(node: ast.expr, arguments: Mapping[str, str]) -> str | None:
    """A text, or the job argument that ``args["name"]`` stands for."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return arguments.get(f"--{node.slice.value!s}")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
