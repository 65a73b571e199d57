"""``from_json`` on Sail reads what Spark reads, or refuses it: held against Spark, text by text."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail.from_json import FromJson
from tests.spark import on_spark

if TYPE_CHECKING:
    from lakelet.etl.context import GlueContext

TEXTS = (
    "", " ", "\t\n", "{}", "null", "[]", "1", '"x"', "x", "true", "[1]", '{"a":1}', '{"a":1', '{"a":1}}', '{"a":1} x',
    ' {"a":1} ', "{'a':1}", "{a:1}", '{"a":01}', '{"a":"1"}', '{"a":1.0}', '{"a":1.5}', '{"a":3000000000}',
    '{"a":null}', '{"a":true}', '{"a":{"b":1}}', '{"a":{"b":"x"}}', '{"a":{"b": {"c" : "d"}}}', '{"a":[1,2]}',
    '{"a":[1,"x"]}', '{"a":[1,null]}', '{"a":[]}', '{"a":[{"b":1},{"b":2}]}', '{"a":[{"b":"x"}]}', '{"A":1}',
    '{"a":1,"a":2}', '{"a":"x\\ny"}', '{"a":"\\u00e9\\ud83d\\ude00"}', '{"a":"é"}', '{"a.b":1}', '[{"a":1},{"a":2}]',
    '{"b":2}', '{"a":-0.0}', '{"a":1e3}', '{"a":1E400}', '{"a":NaN}', '{"a":"NaN"}', '{"a":""}', '{"a":" x "}',
    '{"a":"2024-01-02"}', '{"a":"2024-01-02T03:04:05Z"}', '{"a":"2024-01-02 03:04:05.123456"}', '{"a":"2024-1-2"}',
    '{"a":"2024-02-30"}', '{"a":"1.50"}', '{"a":12345678901234567890}', '{"a":12345678.905}', '{"a":123456789.12}',
    '{"a":1,}', '{"a":[1,]}', '{"a":false}', '{"a":"true"}', '/*c*/{"a":1}', '{"a":"\t"}', '{"a":1.10}',
    '{"a":100000000.0}', '{"a":0.1}', '{"a":-1}', '{"a":{"x":1,"y":null}}', '{"a":{"x":"1"}}', '{"a":300}',
    '{"a":1,"b":"y"}', '{"b":{"c":[1,{"d":2}]},"a":7}', '{"a":"\\"q\\""}', "NULL", "N/A", "-",
    '{"a": 9223372036854775807}',
)  # fmt: skip
SCHEMAS = (
    "a int", "a string", "a double", "a float", "a boolean", "a bigint, b string", "a smallint", "a tinyint",
    "a decimal(10,2)", "a decimal(38,18)", "a date", "a timestamp", "a struct<b:int>", "a struct<b:struct<c:string>>",
    "a array<int>", "a array<struct<b:int>>", "a map<string,int>", "a map<string,string>", "map<string,string>",
    "map<string,int>", "array<int>", "array<struct<a:int>>", "array<string>", "A int", "b string", "`a.b` int",
)  # fmt: skip
REFUSALS = 4  # of ten texts at most: those that Spark reads in part


def plain(value: Any) -> Any:
    if isinstance(value, Row | tuple):
        return tuple(map(plain, value))
    if isinstance(value, list):
        return list(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return repr(value)


@on_spark
def test_what_is_read_is_what_spark_reads(glue: GlueContext) -> None:
    texts = glue.spark_session.createDataFrame([(one,) for one in (*TEXTS, None)], "text string")
    read = texts.select("text", *(F.from_json("text", one).alias(str(at)) for at, one in enumerate(SCHEMAS)))
    refused, answered = 0, 0
    for row in read.collect():
        for at, schema in enumerate(SCHEMAS):
            try:
                value = FromJson(T.DataType.fromDDL(schema))(row["text"])
            except UnsupportedError as error:
                assert "--engine spark" in str(error)
                refused += 1
                continue
            answered += 1
            if schema == "a float" and value is not None and value[0] is not None:
                value = (struct.unpack("f", struct.pack("f", value[0]))[0],)  # as a float of the answer is
            assert plain(value) == plain(row[str(at)]), (row["text"], schema)
    assert refused < REFUSALS * (refused + answered) / 10


@pytest.mark.parametrize("text", ['{"a":1', '{"a":1} x', '{"a":[1,"x"]}', "{'a':1}", '{"a":1,"a":2}'])
def test_what_spark_reads_in_part_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"from_json of such a text .* --engine spark"):
        FromJson(T.DataType.fromDDL("a array<int>"))(text)
