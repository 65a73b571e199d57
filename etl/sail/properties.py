"""The properties of a session (``spark.conf.set``, ``.config``, SparkConf, SET) on Sail. It keeps those that it has
not, without a word: dates of an old form are null. So what would change a result on Spark is refused, unless it asks
for what Sail does anyway; what is about speed, memory and places is nothing to it.

Source: Spark SQL Guide, "Performance Tuning"; Spark, "Configuration", Runtime SQL Configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

# What these begin with has no effect on rows, or is of what Sail does not have at all.
_NOTHING_TO_IT = (
    "adaptive.", "autobroadcastjointhreshold", "avro.", "broadcasttimeout", "cache.", "cachedtablesupport",
    "catalogimplementation", "cbo.", "codegen.", "csv.filterpushdown", "csv.parser.columnpruning", "debug.",
    "execution.", "files.maxpartitionbytes", "files.maxpartitionnum", "files.minpartitionnum", "files.opencostinbytes",
    "hive.", "inmemorycolumnarstorage.", "join.", "json.filterpushdown", "maxmetadatastringlength",
    "maxplanstringlength", "optimizer.", "orc.", "parquet.aggregatepushdown", "parquet.columnarreaderbatchsize",
    "parquet.enablenestedcolumnvectorizedreader", "parquet.enablevectorizedreader", "parquet.filterpushdown",
    "parquet.mergeschema", "parquet.output.committer.class", "parquet.recordlevelfilter", "pyspark.", "redaction.",
    "repl.", "requireallclusterkeysfor", "session.localrelation", "shuffle.", "sort", "sources.bucketing",
    "sources.autobucketedscan", "sources.commitprotocolclass", "sources.parallelpartitiondiscovery.",
    "sources.v2.bucketing", "statistics.", "storeassignmentpolicy", "streaming.", "thriftserver.", "ui.",
    "warehouse.dir",
)  # fmt: skip
_UTC = ("utc", "etc/utc", "gmt", "z", "+00:00", "utc+0")
_REBASE = ("corrected", "exception")
# The others, and the values that Sail does anyway: all in lower case, without the "spark.sql." before them.
_ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "ansi.enabled": ("false",),
    "casesensitive": ("false",),
    "columnnameofcorruptrecord": ("_corrupt_record",),
    "crossjoin.enabled": ("true",),
    "execution.pandas.converttoarrowarraysafely": ("true",),
    "execution.pythonudf.arrow.enabled": ("false",),
    "decimaloperations.allowprecisionloss": ("true",),
    "files.ignorecorruptfiles": ("false",),
    "files.ignoremissingfiles": ("false",),
    "files.maxrecordsperfile": ("0",),
    "groupbyaliases": ("true",),
    "groupbyordinal": ("true",),
    "jsongenerator.ignorenullfields": ("true",),
    "legacy.timeparserpolicy": ("corrected",),
    "orderbyordinal": ("true",),
    "parquet.binaryasstring": ("false",),
    "parquet.compression.codec": ("snappy",),
    "parquet.datetimerebasemodeinread": _REBASE,
    "parquet.datetimerebasemodeinwrite": _REBASE,
    "parquet.int96astimestamp": ("true",),
    "parquet.int96rebasemodeinread": _REBASE,
    "parquet.int96rebasemodeinwrite": _REBASE,
    "parquet.outputtimestamptype": ("timestamp_micros",),
    "parquet.writelegacyformat": ("false",),
    "retaingroupcolumns": ("true",),
    "session.timezone": _UTC,
    "sources.default": ("parquet",),
    "sources.partitioncolumntypeinference.enabled": ("true",),
    "sources.partitionoverwritemode": ("static", "dynamic"),
    "timestamptype": ("timestamp_ltz",),
}
_OURS = (("spark.sql.execution.pythonudf.arrow.enabled", "true"),)  # that a session begins with
_OF_SQL = "spark.sql."
_SET = re.compile(r"\s*SET\s+(?P<name>`[^`]+`|[\w.\-]+)\s*=\s*(?P<value>.*?)\s*;?\s*", re.IGNORECASE | re.DOTALL)


def install(workspace: Workspace) -> None:
    """Stand before the settings of a session."""
    from pyspark.sql.connect.conf import RuntimeConf

    one, many = RuntimeConf.set, RuntimeConf._set_all

    def set_one(self: Any, key: str, value: Any) -> None:
        require({key: value}.items())
        one(self, key, value)

    def set_all(self: Any, configs: dict[str, Any], silent: bool) -> None:
        require((name, value) for name, value in configs.items() if (name.lower(), str(value)) not in _OURS)
        many(self, configs, silent)

    engine.replace(RuntimeConf, "set", set_one)
    engine.replace(RuntimeConf, "_set_all", set_all)


def require(given: Iterable[tuple[str, Any]]) -> None:
    """Raises UnsupportedError for a property that Sail does not heed."""
    for name, value in given:
        if is_refused(name, str(value)):
            raise engine.refused(f"The property {name} ({str(value)!r})")


def is_refused(name: str, value: str | None) -> bool:
    """Whether a script that sets this property is refused on Sail; of a value that nobody knows (None), whether there
    is none that is accepted."""
    lowered = name.lower()
    if not lowered.startswith(_OF_SQL):
        return False
    of_sql = lowered.removeprefix(_OF_SQL)
    if of_sql.startswith(_NOTHING_TO_IT) and of_sql not in _ACCEPTED:
        return False
    accepted = _ACCEPTED.get(of_sql, ())
    return not accepted if value is None else value.lower() not in accepted


def of_statement(text: str) -> tuple[str, str] | None:
    """The property that a statement sets, and its value."""
    found = _SET.fullmatch(text)
    return (found["name"].strip("`"), found["value"]) if found else None
