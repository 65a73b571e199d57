"""EvaluateDataQuality on both engines: every rule type against values that are known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.transforms import SelectFromCollection
from awsgluedq.transforms import EvaluateDataQuality
from lakelet.etl.dqdl import history
from lakelet.etl.dqdl.evaluation import Options
from lakelet.etl.dqdl.history import History
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

PASSED, FAILED = "Passed", "Failed"
NOW = datetime.now(UTC).replace(tzinfo=None)
COLUMNS = "id int, carrier string, delay double, day string, seen timestamp, price decimal(10,2), tags array<string>"
ROWS: list[tuple[Any, ...]] = [
    (1, "AA", 1.5, "2024-01-01", NOW - timedelta(hours=1), 10, ["x"]),
    (2, "UA", None, "x", NOW - timedelta(hours=30), 20, ["x"]),
    (2, None, 3.0, "2024-02-30", NOW - timedelta(days=4), 30, ["x"]),
    (None, "  ", 4.0, "2024-03-01", None, 40, ["x"]),
    (5, "", 9.0, None, NOW - timedelta(days=10), 50, None),
]
NUMBERS = "ByteType, DecimalType, DoubleType, FloatType, IntegerType, LongType, ShortType"


def unmet(value: object) -> str:
    return f"Value: {value} does not meet the constraint requirement!"


# The rule, its outcome, its metrics, its reason.
RULES: list[tuple[str, str, dict[str, float], str | None]] = [
    ("RowCount between 4 and 6", PASSED, {"Dataset.*.RowCount": 5}, None),
    ("RowCount between 5 and 6", FAILED, {"Dataset.*.RowCount": 5}, unmet(5)),
    ("RowCount not between 5 and 6", PASSED, {"Dataset.*.RowCount": 5}, None),
    ('RowCount = 2 where "id = 2"', PASSED, {"Dataset.*.RowCount": 2}, None),
    ("ColumnCount = 7", PASSED, {"Dataset.*.ColumnCount": 7}, None),
    ('ColumnExists "CARRIER"', PASSED, {}, None),
    ('ColumnExists "nope"', FAILED, {}, "Input data does not include column nope!"),
    ('ColumnNamesMatchPattern "^[a-z]+$"', PASSED, {"Dataset.*.ColumnNamesPatternMatchRatio": 1}, None),
    (
        'ColumnNamesMatchPattern "^[a-d]"',
        FAILED,
        {"Dataset.*.ColumnNamesPatternMatchRatio": 3 / 7},
        "Columns that do not match the pattern: id, seen, price, tags",
    ),
    ('IsComplete "price"', PASSED, {"Column.price.Completeness": 1}, None),
    ('IsComplete "carrier"', FAILED, {"Column.carrier.Completeness": 0.8}, unmet(0.8)),
    ('IsComplete "tags"', FAILED, {}, "Column tags is nested (array<string>): rules take plain columns only."),
    ('Completeness "carrier" = "0.8"', PASSED, {"Column.carrier.Completeness": 0.8}, None),
    ('Completeness "nope" > 0', FAILED, {}, "Input data does not include column nope!"),
    ('Completeness "id" > 0 where "id > 100"', FAILED, {}, "Empty state for Completeness: all input values were NULL."),
    ('IsUnique "price"', PASSED, {"Column.price.Uniqueness": 1}, None),
    ('IsUnique "id"', FAILED, {"Column.id.Uniqueness": 0.5}, unmet(0.5)),
    ('IsUnique "id" "carrier"', PASSED, {"Multicolumn.id,carrier.Uniqueness": 1}, None),
    ('IsUnique "id" where "id <> 2"', PASSED, {"Column.id.Uniqueness": 1}, None),
    ('IsPrimaryKey "price"', PASSED, {"Column.price.Uniqueness": 1}, None),
    ('IsPrimaryKey "id" "carrier"', FAILED, {"Multicolumn.id,carrier.Uniqueness": 1}, unmet("NULL")),
    ('Uniqueness "id" = 0.5', PASSED, {"Column.id.Uniqueness": 0.5}, None),
    ('UniqueValueRatio "id" between 0.6 and 0.7', PASSED, {"Column.id.UniqueValueRatio": 2 / 3}, None),
    ('DistinctValuesCount "id" = 4', PASSED, {"Column.id.DistinctValuesCount": 4}, None),
    ('Entropy "id" > 1', PASSED, {"Column.id.Entropy": 1.0397207708399179}, None),
    ('Mean "delay" between 4 and 5', PASSED, {"Column.delay.Mean": 4.375}, None),
    ('Mean "price" = 30', PASSED, {"Column.price.Mean": 30}, None),
    ('Mean "delay" > 3 where "id = 2"', FAILED, {"Column.delay.Mean": 3}, unmet(3.0)),
    (
        'Mean "carrier" > 1',
        FAILED,
        {},
        f"Expected type of column carrier to be one of ({NUMBERS}), but found StringType instead!",
    ),
    ('Sum "id" in [9,10]', PASSED, {"Column.id.Sum": 10}, None),
    ('StandardDeviation "delay" < 3', PASSED, {"Column.delay.StandardDeviation": 2.8145825622994254}, None),
    (
        'ColumnCorrelation "id" "delay" > 0.9',
        PASSED,
        {"Multicolumn.id,delay.ColumnCorrelation": 0.9986254289035239},
        None,
    ),
    (
        'ColumnLength "carrier" < 3',
        PASSED,
        {"Column.carrier.MinimumLength": 0, "Column.carrier.MaximumLength": 2},
        None,
    ),
    (
        'ColumnLength "carrier" > 1',
        FAILED,
        {"Column.carrier.MinimumLength": 0, "Column.carrier.MaximumLength": 2},
        unmet(0.0),
    ),
    (
        'ColumnLength "carrier" = 2 where "id < 3 and carrier is not null"',
        PASSED,
        {"Column.carrier.MinimumLength": 2, "Column.carrier.MaximumLength": 2},
        None,
    ),
    ('ColumnValues "id" > 0', FAILED, {"Column.id.Minimum": 1, "Column.id.Maximum": 5}, unmet("NULL")),
    ('ColumnValues "price" >= 20', FAILED, {"Column.price.Minimum": 10, "Column.price.Maximum": 50}, unmet(10.0)),
    ('ColumnValues "price" < 50.5', PASSED, {"Column.price.Minimum": 10, "Column.price.Maximum": 50}, None),
    (
        'ColumnValues "price" between 10 and 60',
        FAILED,
        {"Column.price.Minimum": 10, "Column.price.Maximum": 50},
        unmet(0.8),
    ),
    ('ColumnValues "id" in [1,2,5,NULL]', PASSED, {"Column.id.Minimum": 1, "Column.id.Maximum": 5}, None),
    ('ColumnValues "id" != 7', PASSED, {"Column.id.Minimum": 1, "Column.id.Maximum": 5}, None),
    ('ColumnValues "id" != NULL', FAILED, {"Column.id.Minimum": 1, "Column.id.Maximum": 5}, unmet("NULL")),
    ('ColumnValues "id" not in [7,NULL]', FAILED, {"Column.id.Minimum": 1, "Column.id.Maximum": 5}, unmet("NULL")),
    (
        'ColumnValues "price" > 20 with threshold >= 0.6',
        PASSED,
        {"Column.price.ColumnValues.Compliance": 0.6, "Column.price.Minimum": 10, "Column.price.Maximum": 50},
        None,
    ),
    (
        'ColumnValues "carrier" in ["AA","UA",NULL,EMPTY,WHITESPACES_ONLY]',
        PASSED,
        {"Column.carrier.ColumnValues.Compliance": 1},
        None,
    ),
    (
        'ColumnValues "carrier" matches "[A-Z]{2}" with threshold = 0.4',
        PASSED,
        {"Column.carrier.ColumnValues.Compliance": 0.4},
        None,
    ),
    ('ColumnValues "carrier" not matches "A"', FAILED, {"Column.carrier.ColumnValues.Compliance": 0.8}, unmet(0.8)),
    ('ColumnValues "carrier" = "AA" where "id = 1"', PASSED, {"Column.carrier.ColumnValues.Compliance": 1}, None),
    (
        'ColumnValues "carrier" > 1',
        FAILED,
        {},
        f"Expected type of column carrier to be one of ({NUMBERS}), but found StringType instead!",
    ),
    (
        'ColumnValues "day" > "2023-12-31" with threshold = 0.4',
        PASSED,
        {"Column.day.ColumnValues.Compliance": 0.4},
        None,
    ),
    (
        'ColumnValues "day" in ["2024-01-01","2024-03-01",NULL] with threshold = 0.6',
        PASSED,
        {"Column.day.ColumnValues.Compliance": 0.6},
        None,
    ),
    (
        'ColumnValues "seen" > (now() - 3 days) with threshold = 0.4',
        PASSED,
        {"Column.seen.ColumnValues.Compliance": 0.4},
        None,
    ),
    (
        'ColumnValues "seen" between (now() - 2 hours) and now() with threshold = 0.2',
        PASSED,
        {"Column.seen.ColumnValues.Compliance": 0.2},
        None,
    ),
    ('ColumnDataType "day" = "DATE" with threshold = 0.4', PASSED, {"Column.day.ColumnDataType.Compliance": 0.4}, None),
    ('ColumnDataType "carrier" != "Integer"', PASSED, {"Column.carrier.ColumnDataType.Compliance": 1}, None),
    ('ColumnDataType "price" = "DECIMAL(10,2)"', PASSED, {"Column.price.ColumnDataType.Compliance": 1}, None),
    (
        'ColumnDataType "day" = "Date" with threshold = 0.4 with format = "yyyy-MM-dd"',
        PASSED,
        {"Column.day.ColumnDataType.Compliance": 0.4},
        None,
    ),
    ('DataFreshness "seen" <= 24 hours where "id = 1"', PASSED, {"Column.seen.DataFreshness.Compliance": 1}, None),
    (
        'DataFreshness "seen" between 1 days and 5 days',
        FAILED,
        {"Column.seen.DataFreshness.Compliance": 0.4},
        "40.00 % of rows passed the threshold",
    ),
    ('CustomSql "select count(*) from primary" between 4 and 6', PASSED, {"Dataset.*.CustomSQL": 5}, None),
    (
        'CustomSql "with x as (select id from primary where id > 1) select max(id) from x" = 5',
        PASSED,
        {"Dataset.*.CustomSQL": 5},
        None,
    ),
    (
        'CustomSql "select id from primary where id > 1" with threshold = 0.6',
        PASSED,
        {"Dataset.*.CustomSQL.Compliance": 0.6},
        None,
    ),
    ('CustomSql "select id from primary where id > 1"', FAILED, {"Dataset.*.CustomSQL.Compliance": 0.6}, unmet(0.6)),
    (
        'CustomSql "select id from primary" > 1',
        FAILED,
        {},
        "The output from CustomSQL must be one row with one number.",
    ),
    (
        'CustomSql "select id as other from primary"',
        FAILED,
        {},
        "The output from CustomSQL must contain at least one column that matches the input dataset. Ensure that "
        "matching columns are returned from the SQL.",
    ),
    (
        '(IsComplete "id") OR (RowCount > 1)',
        PASSED,
        {"Column.id.Completeness": 0.8, "Dataset.*.RowCount": 5},
        None,
    ),
    (
        '(RowCount > 1) AND ((IsComplete "id") OR (IsUnique "id"))',
        FAILED,
        {"Dataset.*.RowCount": 5, "Column.id.Completeness": 0.8, "Column.id.Uniqueness": 0.5},
        f"{unmet(0.8)}\n{unmet(0.5)}",
    ),
]


@pytest.fixture(scope="module")
def frame(glue: GlueContext) -> DynamicFrame:
    rows = glue.spark_session.createDataFrame(ROWS, "id int, carrier string, delay double, day string, seen timestamp, "
                                              "price int, tags array<string>")  # fmt: skip
    return DynamicFrame.fromDF(rows.withColumn("price", rows["price"].cast("decimal(10,2)")), glue, "flights")


@pytest.fixture(scope="module")
def outcomes(frame: DynamicFrame) -> Iterator[dict[str, Any]]:
    """All of :data:`RULES`, measured at once."""
    ruleset = f"Rules = [ {', '.join(rule for rule, *_ in RULES)} ]"
    rows = EvaluateDataQuality.apply(frame=frame, ruleset=ruleset).toDF().collect()
    assert [row["Rule"] for row in rows] == [rule for rule, *_ in RULES]
    yield {row["Rule"]: row for row in rows}


@pytest.mark.parametrize(("rule", "outcome", "metrics", "reason"), RULES, ids=[rule for rule, *_ in RULES])
def test_a_rule(
    outcomes: dict[str, Any], rule: str, outcome: str, metrics: dict[str, float], reason: str | None
) -> None:
    row = outcomes[rule]
    assert (row["Outcome"], row["FailureReason"]) == (outcome, reason)
    assert row["EvaluatedMetrics"] == pytest.approx(metrics)
    assert row["EvaluatedRule"] == rule


def evaluated(frame: DynamicFrame, rules: str, **options: Any) -> list[tuple[Any, ...]]:
    rows = EvaluateDataQuality.apply(frame=frame, ruleset=rules, **options).toDF()
    return [(row["Outcome"], row["FailureReason"], row["EvaluatedMetrics"]) for row in rows.collect()]


def test_the_outcome_frame_is_as_aws_documents_it(frame: DynamicFrame) -> None:
    made = EvaluateDataQuality.apply(frame, "Rules = [ RowCount > 0 ]", {"dataQualityEvaluationContext": "shape"})
    assert {one.name: one.dataType.simpleString() for one in made.schema().fields} == {
        "Rule": "string",
        "Outcome": "string",
        "FailureReason": "string",
        "EvaluatedMetrics": "map<string,double>",
        "EvaluatedRule": "string",
    }
    assert EvaluateDataQuality.name() == "EvaluateDataQuality"


def test_no_rows_and_what_rules_make_of_them(frame: DynamicFrame) -> None:
    nothing = DynamicFrame.fromDF(frame.toDF().where("id > 100"), frame.glue_ctx, "nothing")
    rules = 'Rules = [ RowCount = 0, IsComplete "id", IsUnique "id", Mean "id" > 0, ColumnValues "id" > 0 ]'
    assert [(outcome, reason) for outcome, reason, _ in evaluated(nothing, rules)] == [
        (PASSED, None),
        (FAILED, "Empty state for IsComplete: all input values were NULL."),
        (FAILED, "Empty state for IsUnique: all input values were NULL."),
        (FAILED, "Empty state for Mean: all input values were NULL."),
        (PASSED, None),
    ]


def test_the_standard_deviation_is_that_of_awss_example(glue: GlueContext) -> None:
    rows = [(0, 0), (None, 0), (20, 20), (None, 0), (40, 40)]
    frame = DynamicFrame.fromDF(glue.spark_session.createDataFrame(rows, "units1 int, units2 int"), glue, "units")
    rules = 'Rules = [ StandardDeviation "units1" < 20, StandardDeviation "units2" < 20 ]'
    metrics = [found for *_, found in evaluated(frame, rules)]
    assert metrics[0]["Column.units1.StandardDeviation"] == pytest.approx(16.33, abs=0.01)
    assert metrics[1]["Column.units2.StandardDeviation"] == 16


def test_columns_that_are_still_undecided_are_decided(glue: GlueContext) -> None:
    rows = glue.spark_session.createDataFrame([("1", "a.b"), ("2", "c")], "id string, `x.y` string")
    frame = DynamicFrame(rows, glue, "csv", pending={"id": "bigint"})
    (found,) = evaluated(frame, 'Rules = [ (Sum "id" = 3) and (IsUnique "x.y") ]')
    assert found == (PASSED, None, {"Column.id.Sum": 3.0, "Column.x.y.Uniqueness": 1.0})


@pytest.mark.parametrize(
    ("ruleset", "message"),
    [
        (
            'Rules = [ IsComplete "id" where "nope > 1" ]',
            r'^Rule IsComplete "id" where "nope > 1" has provided an invalid',
        ),
        ('Rules = [ IsComplete "id" where "id >" ]', "has provided an invalid where clause"),
        ('Rules = [ IsComplete "id" where "id + 1" ]', "it is int, no condition"),
        ('Rules = [ ColumnDataType "day" = "TEXT" ]', "names the type TEXT: AWS has BOOLEAN"),
        ('Rules = [ ColumnDataType "day" = "DATE" with format = "yy" ]', "has the format 'yy'"),
        ('Rules = [ ColumnNamesMatchPattern "[" ]', "no regular expression"),
        ('Rules = [ AggregateMatch "max(id)" "sum(id)" = 1 ]', r"write sum\(column\)"),
        ('Rules = [ ReferentialIntegrity "id" "reference" = 1 ]', 'write "alias.column"'),
    ],
)
def test_what_cannot_be_evaluated_is_named(frame: DynamicFrame, ruleset: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EvaluateDataQuality.apply(frame=frame, ruleset=ruleset)


def test_a_data_frame_is_refused_by_name(frame: DynamicFrame) -> None:
    with pytest.raises(UsageError, match=r"frame of EvaluateDataQuality is no DynamicFrame: .*fromDF"):
        EvaluateDataQuality.apply(frame.toDF(), "Rules = [ RowCount > 0 ]")
    with pytest.raises(UsageError, match="other of EvaluateDataQuality is no DynamicFrame"):
        others: Any = {"other": frame.toDF()}
        EvaluateDataQuality().process_rows(frame, others, "Rules = [ RowCount > 0 ]")


def test_queries_leave_the_sessions_views_alone(frame: DynamicFrame) -> None:
    session = frame.glue_ctx.spark_session
    session.range(3).createOrReplaceTempView("primary")
    rule = 'CustomSql "select count(*) from primary" = 5'
    assert [found[0] for found in evaluated(frame, f"Rules = [ {rule} ]")] == [PASSED]
    assert session.sql("select count(*) from primary").collect()[0][0] == 3
    session.catalog.dropTempView("primary")


def test_an_sql_that_is_none_fails_its_rule(frame: DynamicFrame) -> None:
    (found,) = evaluated(frame, 'Rules = [ CustomSql "select nope from primary" > 1 ]')
    assert found[0] == FAILED and found[1].startswith("Error executing SQL statement: ") and "nope" in found[1]


@pytest.mark.parametrize("sql", ["select nofunc(id) from primary", "select count(*) from some.where"])
def test_what_only_spark_may_have_fails_no_rule_on_sail(frame: DynamicFrame, sql: str) -> None:
    rules = f'Rules = [ CustomSql "{sql}" > 1 ]'
    if engine.active():  # where the job is started again on Spark, or its error says to
        with pytest.raises(PySparkException):
            evaluated(frame, rules)
        if "nofunc" in sql:
            with pytest.raises(PySparkException):
                evaluated(frame, 'Rules = [ RowCount > 1 where "nofunc(id)" ]')
    else:
        assert [found[0] for found in evaluated(frame, rules)] == [FAILED]


def test_options_are_awss_or_refused(frame: DynamicFrame) -> None:
    rules = "Rules = [ RowCount > 0 ]"
    stock = {
        "dataQualityEvaluationContext": "EvaluateDataQuality_node1",
        "enableDataQualityCloudWatchMetrics": True,
        "enableDataQualityResultsPublishing": True,
    }
    more = {"performanceTuning.caching": "CACHE_INPUT", "observations.scope": "ALL"}
    frames = EvaluateDataQuality().process_rows(
        frame=frame, ruleset=rules, publishing_options=stock, additional_options=more
    )
    assert sorted(frames.keys()) == ["originalData", "rowLevelOutcomes", "ruleOutcomes"]
    assert frames["rowLevelOutcomes"].count() == len(ROWS)
    with pytest.raises(UnsupportedError, match="publishing_options does not support the option speed"):
        EvaluateDataQuality.apply(frame, rules, {"speed": 1})
    with pytest.raises(UnsupportedError, match="additional_options does not support the option rows"):
        EvaluateDataQuality().process_rows(frame=frame, ruleset=rules, additional_options={"rows": 1})
    with pytest.raises(UsageError, match=r"method is 'CELL': use COLUMN or ROW"):
        method = {"compositeRuleEvaluation.method": "CELL"}
        EvaluateDataQuality().process_rows(frame=frame, ruleset=rules, additional_options=method)
    published = "enableDataQualityResultsPublishing"
    for given, kept in ((True, True), (False, False), ("False", False), ("true", True), (None, True), ("", True)):
        assert Options.of({published: given}).keeps_history is kept
    with pytest.raises(UsageError, match=f"{published} is 'no', and takes true or false"):
        EvaluateDataQuality.apply(frame, rules, {published: "no"})
    with pytest.raises(UsageError, match="not an S3 location"):
        EvaluateDataQuality.apply(frame, rules, {"resultsS3Prefix": "file:///tmp"})


def test_the_input_is_kept_if_that_is_asked_for(frame: DynamicFrame) -> None:
    rules = 'Rules = [ IsComplete "id" ]'
    if not engine.active():
        frame.toDF().sparkSession.catalog.clearCache()  # what other tests of this session had it keep
    for caching, kept in (("CACHE_NOTHING", False), ("CACHE_INPUT", True)):
        rows = DynamicFrame.fromDF(frame.toDF().where(f"'{caching}' <> ''"), frame.glue_ctx, caching)
        frames = EvaluateDataQuality().process_rows(
            frame=rows, ruleset=rules, additional_options={"performanceTuning.caching": caching}
        )
        judged: Any = frames["rowLevelOutcomes"].toDF()
        assert judged.count() == len(ROWS)
        if not engine.active():  # which computes them anew, as docs/data-quality.md says
            plan = judged._jdf.queryExecution().executedPlan().toString()
            assert ("InMemoryTableScan" in plan) is kept
            judged.sparkSession.catalog.clearCache()


# -- rows ---------------------------------------------------------------------------------------------------------


def rows_of(frame: DynamicFrame, rules: str, others: Any = None, **options: Any) -> dict[Any, tuple[Any, ...]]:
    """Result, rules that passed, failed and were skipped, by the row's price."""
    given = {name.replace("_", "."): value for name, value in options.items()}
    frames = EvaluateDataQuality().process_rows(
        frame=frame, ruleset=rules, additional_data_sources=others, additional_options=given
    )
    rows = SelectFromCollection.apply(dfc=frames, key="rowLevelOutcomes").toDF()
    assert rows.columns[:-4] == frame.toDF().columns
    names = ("DataQualityEvaluationResult", "DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip")
    assert list(rows.columns[-4:]) == [*names[1:], names[0]]
    return {int(row["price"]): tuple(row[name] for name in names) for row in rows.collect()}


def test_each_row_has_the_rules_that_it_passes_fails_and_skips(frame: DynamicFrame) -> None:
    complete, unique, key, sql, count = (
        'IsComplete "carrier"', 'IsUnique "id"', 'IsPrimaryKey "id"', 'CustomSql "select id from primary where id > 1"',
        "RowCount > 100",
    )  # fmt: skip
    found = rows_of(frame, f"Rules = [ {complete}, {unique}, {key}, {sql}, {count} ]")
    assert found == {
        10: (FAILED, [complete, unique, key], [sql], [count]),
        20: (FAILED, [complete, sql], [unique, key], [count]),
        30: (FAILED, [sql], [complete, unique, key], [count]),
        40: (FAILED, [complete, unique], [key, sql], [count]),
        50: (PASSED, [complete, unique, key, sql], [], [count]),
    }


def test_rows_of_every_type_that_has_them(frame: DynamicFrame) -> None:
    rules = [
        'Completeness "delay" > 0.1', 'Uniqueness "carrier" > 0.1', 'UniqueValueRatio "id" > 0.1',
        'ColumnValues "id" > 1', 'ColumnLength "carrier" = 2', 'ColumnDataType "day" = "DATE"',
        'DataFreshness "seen" < 2 days',
    ]  # fmt: skip
    found = rows_of(frame, f"Rules = [ {', '.join(rules)} ]")
    failing = {price: [rules.index(one) for one in row[2]] for price, row in found.items()}
    assert failing == {10: [3], 20: [0, 2, 5], 30: [2, 4, 5, 6], 40: [3, 6], 50: [4, 5, 6]}


def test_rows_that_a_where_clause_leaves_out_pass_or_are_skipped(frame: DynamicFrame) -> None:
    rule = 'IsComplete "carrier" where "id = 2"'
    found = rows_of(frame, f"Rules = [ {rule} ]")
    assert found[10] == (PASSED, [rule], [], []) and found[30] == (FAILED, [], [rule], [])
    frames = EvaluateDataQuality().process_rows(
        frame=frame,
        ruleset=f"Rules = [ {rule} ]",
        additional_options={"rowLevelConfiguration.filteredRowLabel": "SKIPPED"},
    )
    rows = {int(row["price"]): row for row in frames["rowLevelOutcomes"].toDF().collect()}
    assert [rows[price]["DataQualityRulesSkip"] for price in (10, 20, 30, 40)] == [[rule], [], [], [rule]]
    assert [rows[price]["DataQualityRulesPass"] for price in (10, 20, 30, 40)] == [[], [rule], [], []]
    assert rows[10]["DataQualityEvaluationResult"] == PASSED


def test_a_composite_rule_by_columns_or_by_rows(glue: GlueContext) -> None:
    rows = glue.spark_session.createDataFrame([(2, 1), (0, 3)], "myCol1 int, myCol2 int")
    frame = DynamicFrame.fromDF(rows, glue, "awss example")
    rule = '(ColumnValues "myCol1" > 1) OR (ColumnValues "myCol2" > 2)'
    for method, outcome in (("COLUMN", FAILED), ("ROW", PASSED)):
        frames = EvaluateDataQuality().process_rows(
            frame=frame, ruleset=f"Rules = [ {rule} ]", additional_options={"compositeRuleEvaluation.method": method}
        )
        assert [row["Outcome"] for row in frames["ruleOutcomes"].toDF().collect()] == [outcome]
        found = [(row[2], row[5]) for row in frames["rowLevelOutcomes"].toDF().collect()]
        assert found == [([rule], PASSED)] * 2
    both = f'Rules = [ ({rule}) and (IsUnique "myCol1"), (IsUnique "myCol1") and (RowCount > 5) ]'
    frames = EvaluateDataQuality().process_rows(
        frame=frame, ruleset=both, additional_options={"compositeRuleEvaluation.method": "ROW"}
    )
    assert [row["Outcome"] for row in frames["ruleOutcomes"].toDF().collect()] == [PASSED, FAILED]


def test_labels_are_in_outcomes_and_if_asked_for_in_rows(frame: DynamicFrame) -> None:
    rules = 'DefaultLabels=["team"="ops"] Rules = [ IsComplete "id" labels=["level"="high"], RowCount > 0 ]'
    frames = EvaluateDataQuality().process_rows(
        frame=frame, ruleset=rules, additional_options={"rowLevelConfiguration.ruleWithLabels": "ENABLED"}
    )
    labels = [row["Labels"] for row in frames["ruleOutcomes"].toDF().collect()]
    assert labels == [{"team": "ops", "level": "high"}, {"team": "ops"}]
    first = frames["rowLevelOutcomes"].toDF().where("price = 10").collect()[0]
    assert first["DataQualityRulesPass"] == ['IsComplete "id" labels=["team"="ops","level"="high"]']


def test_rows_are_not_judged_twice(frame: DynamicFrame) -> None:
    frames = EvaluateDataQuality().process_rows(frame=frame, ruleset='Rules = [ IsComplete "id" ]')
    with pytest.raises(UsageError, match=r"The frame has DataQualityRulesPass, .* already: drop"):
        EvaluateDataQuality().process_rows(frame=frames["rowLevelOutcomes"], ruleset='Rules = [ IsComplete "id" ]')


def test_patterns_are_those_of_the_engine(frame: DynamicFrame) -> None:
    rules = 'Rules = [ ColumnValues "carrier" matches "(?!X).*" where "carrier is not null" ]'
    if engine.active():
        with pytest.raises(UnsupportedError, match=r"no looking around.* --engine spark"):
            EvaluateDataQuality.apply(frame=frame, ruleset=rules)
    else:
        assert [found[0] for found in evaluated(frame, rules)] == [PASSED]


# -- other datasets -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def others(glue: GlueContext) -> dict[str, DynamicFrame]:
    made = {
        "carriers": ([("AA", 1), ("UA", 2), ("UA", 3)], "code string, n int"),
        "copy": ([(10, 1, 1.5), (20, 2, None), (30, 2, 99.0), (60, 1, 1.0)], "price int, number int, late double"),
        "same": ([("x", 1)], "b string, a int"),
    }
    return {
        name: DynamicFrame.fromDF(glue.spark_session.createDataFrame(rows, schema), glue, name)  # type: ignore[type-var]
        for name, (rows, schema) in made.items()
    }


def test_rules_about_two_datasets(frame: DynamicFrame, others: dict[str, DynamicFrame]) -> None:
    expected = {
        'ReferentialIntegrity "carrier" "carriers.code" = 0.4': (PASSED, {"Column.carriers.ReferentialIntegrity": 0.4}),
        'ReferentialIntegrity "carrier,id" "carriers.{code,n}" = 0.4': (
            PASSED,
            {"Column.carriers.ReferentialIntegrity": 0.4},
        ),
        'ReferentialIntegrity "nope" "carriers.code" = 1': (FAILED, {}),
        'ReferentialIntegrity "id" "unknown.code" = 1': (FAILED, {}),
        'DatasetMatch "copy" "price" "id->number" = 0.6': (PASSED, {"Dataset.copy.DatasetMatch": 0.6}),
        'DatasetMatch "copy" "price" "id->number,delay->late" >= 0.9': (FAILED, {"Dataset.copy.DatasetMatch": 0.4}),
        'DatasetMatch "carriers" "carrier->code" "id->n" > 0': (FAILED, {}),
        'RowCountMatch "copy" between 1.2 and 1.3': (PASSED, {"Dataset.copy.RowCountMatch": 1.25}),
        'SchemaMatch "copy" = 1.0': (FAILED, {"Dataset.copy.SchemaMatch": 0.0}),
        'AggregateMatch "sum(price)" "sum(copy.price)" = 1.25': (PASSED, {"Column.price.AggregateMatch": 1.25}),
        'AggregateMatch "avg(id)" "avg(copy.number)" > 1.6': (PASSED, {"Column.id,number.AggregateMatch": 2.5 / 1.5}),
        'CustomSql "select count(*) from primary p join carriers c on p.carrier = c.code" = 3': (
            PASSED,
            {"Dataset.*.CustomSQL": 3.0},
        ),
    }
    frames = EvaluateDataQuality().process_rows(
        frame=frame, additional_data_sources=others, ruleset=f"Rules = [ {', '.join(expected)} ]"
    )
    rows = {row["Rule"]: row for row in frames["ruleOutcomes"].toDF().collect()}
    found = {rule: (row["Outcome"], row["EvaluatedMetrics"]) for rule, row in rows.items()}
    assert found == {rule: (outcome, pytest.approx(metrics)) for rule, (outcome, metrics) in expected.items()}
    reasons = {rule: row["FailureReason"] for rule, row in rows.items() if row["FailureReason"]}
    assert list(reasons.values()) == [
        "Column nope does not exist in primary data frame.",
        "unknown not found in additional sources",
        unmet(0.4),
        "Provided key map not suitable for given data frames",
        "Column counts do not match",
    ]
    counted = frames["rowLevelOutcomes"].toDF().collect()
    failing = {int(row["price"]): [rule.split('"')[0] for rule in row["DataQualityRulesFail"]] for row in counted}
    referential, match = "ReferentialIntegrity ", "DatasetMatch "
    assert failing == {
        10: [],
        20: [],
        30: [referential, referential, match],
        40: [referential, referential, match, match],
        50: [referential, referential, match, match],
    }


def test_schemas_match_in_any_order(glue: GlueContext, others: dict[str, DynamicFrame]) -> None:
    rows = glue.spark_session.createDataFrame([(1, "x")], "a int, b string")
    same, other = DynamicFrame.fromDF(rows, glue, "a"), DynamicFrame.fromDF(rows.selectExpr("b", "b as a"), glue, "b")
    for frame, share in ((same, 1.0), (other, 0.5)):
        frames = EvaluateDataQuality().process_rows(
            frame=frame, additional_data_sources=others, ruleset='Rules = [ SchemaMatch "same" = 1.0 ]'
        )
        (row,) = frames["ruleOutcomes"].toDF().collect()
        assert row["EvaluatedMetrics"] == {"Dataset.same.SchemaMatch": share}


# -- past runs ----------------------------------------------------------------------------------------------------


def test_dynamic_rules_compare_with_the_context_s_past(frame: DynamicFrame) -> None:
    rules = """
    Rules = [ RowCount > avg(last(3)), (Completeness "id" >= last() where "price > 10") and (RowCount > 0) ]
    Analyzers = [ AllStatistics "delay" ]
    """
    options = {"dataQualityEvaluationContext": "growing"}
    rows = frame.toDF()
    counts = []
    for limit in ("price <= 30", "price <= 20", "price <= 50"):
        part = DynamicFrame.fromDF(rows.where(limit), frame.glue_ctx, "part")
        found = EvaluateDataQuality.apply(part, rules, options).toDF().collect()
        counts.append([(row["Outcome"], row["EvaluatedRule"]) for row in found])
    told = [[rule for _, rule in one] for one in counts]
    assert told == [
        ["RowCount > 0.0", '(Completeness "id" >= 0.0 where "price > 10") AND (RowCount > 0)'],
        ["RowCount > 3.0", '(Completeness "id" >= 1.0 where "price > 10") AND (RowCount > 0)'],
        ["RowCount > 2.5", '(Completeness "id" >= 1.0 where "price > 10") AND (RowCount > 0)'],
    ]
    assert [[outcome for outcome, _ in one] for one in counts] == [[PASSED, PASSED], [FAILED, PASSED], [PASSED, FAILED]]
    other = EvaluateDataQuality.apply(frame, rules, {"dataQualityEvaluationContext": "another"}).toDF().collect()
    assert other[0]["EvaluatedRule"] == "RowCount > 0.0"


def test_unpublished_results_are_not_remembered(frame: DynamicFrame) -> None:
    options = {"dataQualityEvaluationContext": "quiet", "enableDataQualityResultsPublishing": False}
    for _ in range(2):
        (row,) = EvaluateDataQuality.apply(frame, "Rules = [ RowCount > last() ]", options).toDF().collect()
        assert (row["Outcome"], row["EvaluatedRule"]) == (PASSED, "RowCount > 0.0")


def test_analyzers_alone_give_no_outcomes(frame: DynamicFrame) -> None:
    rules = 'Analyzers = [ RowCount, AllStatistics "carrier", ColumnCorrelation "id" "delay", Mean "nope" ]'
    assert EvaluateDataQuality.apply(frame, rules).toDF().collect() == []


def test_what_a_run_kept_before_it_went_to_spark_is_forgotten(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tmp_path)
    metric = "Dataset.*.RowCount"
    History(workspace, "checks").add({metric: 1.0})
    history.forget()
    assert History(workspace, "checks").past(metric) == []
    for count in (2.0, 3.0):
        History(workspace, "checks").add({metric: count})
    assert History(workspace, "checks").past(metric) == [3.0, 2.0]
    history.forget()
