"""Why a driver failed: the texts are what scripts of one mistake each wrote on Spark and on Sail, without the frames of
libraries."""

# ruff: noqa: E501  the outputs are as they were

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lakelet import testing
from lakelet.jobs.failures import has_traceback, last_words
from lakelet.jobs.logs import Stream, failure_stream, last_lines
from lakelet.workspace.paths import Workspace

CORPUS = {
    "typo": r"""
{"ts": "2026-12-03 09:48:54.582", "level": "ERROR", "logger": "DataFrameQueryContextLogger", "msg": "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable
Traceback (most recent call last):
  File "/lake/runs/jr_2df6/script/typo.py", line 5, in <module>
    frame.select("mnth").show()
    ^^^^^^^^^^^^^^^^^^^^
  File "/venv/site-packages/pyspark/sql/classic/dataframe.py", line 1015, in select
    jdf = self._jdf.select(self._jcols(*cols))
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `mnth` cannot be resolved. Did you mean one of the following? [`month`, `carrier`]. SQLSTATE: 42703;
'Project ['mnth]
+- LogicalRDD [month#38L, carrier#39], false
""",
    "typo_sql": r"""
{"ts": "2026-12-03 09:49:02.788", "level": "ERROR", "logger": "SQLQueryContextLogger", "msg": "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `mnth` cannot be resolved. Did you mean one of the following? [`month`, `carrier`]. SQLSTATE: 427
Traceback (most recent call last):
  File "/lake/runs/jr_6df9/script/typo_sql.py", line 5, in <module>
    frame.createOrReplaceTempView("v"); spark.sql("select mnth from v").collect()
                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/venv/site-packages/pyspark/sql/session.py", line 1816, in sql
    return DataFrame(self._jsparkSession.sql(sqlQuery, litArgs), self)
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `mnth` cannot be resolved. Did you mean one of the following? [`month`, `carrier`]. SQLSTATE: 42703; line 1 pos 7;
'Project ['mnth]
+- SubqueryAlias v
   +- View (`v`, [month#0L, carrier#1])
      +- LogicalRDD [month#0L, carrier#1], false
""",
    "syntax": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_73a0/script/syntax.py", line 5, in <module>
    spark.sql("selec month from v").show()
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/venv/site-packages/pyspark/sql/session.py", line 1816, in sql
    return DataFrame(self._jsparkSession.sql(sqlQuery, litArgs), self)
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.captured.ParseException: 
[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'. SQLSTATE: 42601 (line 1, pos 0)

== SQL ==
selec month from v
^^^
""",
    "table": r"""
{"ts": "2026-12-03 09:49:19.013", "level": "ERROR", "logger": "SQLQueryContextLogger", "msg": "[TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere_t` cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a schema, v
Traceback (most recent call last):
  File "/lake/runs/jr_e44f/script/table.py", line 5, in <module>
    spark.sql("select * from nowhere_t").show()
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/venv/site-packages/pyspark/sql/session.py", line 1816, in sql
    return DataFrame(self._jsparkSession.sql(sqlQuery, litArgs), self)
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere_t` cannot be found. Verify the spelling and correctness of the schema and catalog.
If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.
To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS. SQLSTATE: 42P01; line 1 pos 14;
'Project [*]
+- 'UnresolvedRelation [nowhere_t], [], false
""",
    "udf": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_d28c/script/udf.py", line 9, in <module>
    frame.select(bad("carrier")).collect()
  File "/venv/site-packages/pyspark/sql/classic/dataframe.py", line 443, in collect
    sock_info = self._jdf.collectToPython()
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/lake/runs/jr_d28c/script/udf.py", line 7, in bad
    return {"a": 1}[x]
      ^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.captured.PythonException: 
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/lake/runs/jr_d28c/script/udf.py", line 7, in bad
    return {"a": 1}[x]
           ~~~~~~~~^^^
KeyError: 'b'
""",
    "udf_msg": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_4d7f/script/udf_msg.py", line 8, in <module>
    frame.select(F.udf(bad, "int")("carrier")).write.mode("overwrite").parquet("s3://gold/failures_udf/")
  File "/venv/site-packages/pyspark/sql/connect/readwriter.py", line 755, in parquet
    self.format("parquet").save(path)
  File "/lake/runs/jr_4d7f/script/udf_msg.py", line 6, in bad
    raise ValueError("cannot use carrier " + x)
      ^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.connect.PythonException: 
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "spark.py", line 707, in __call__
  File "spark.py", line 728, in _call_arrow
  File "/venv/site-packages/pyspark/worker.py", line 3282, in mapper
    result = tuple(f(*[a[o] for o in arg_offsets]) for arg_offsets, f in udfs)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/lake/runs/jr_4d7f/script/udf_msg.py", line 6, in bad
    raise ValueError("cannot use carrier " + x)
ValueError: cannot use carrier a
""",
    "rdd": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_2e6e/script/rdd.py", line 5, in <module>
    spark.range(3).rdd.map(lambda r: 1/0).collect()
  File "/venv/site-packages/pyspark/core/rdd.py", line 1700, in collect
    sock_info = self.ctx._jvm.PythonRDD.collectAndServe(self._jrdd.rdd())
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
py4j.protocol.Py4JJavaError: An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 4 times, most recent failure: Lost task 0.3 in stage 0.0 (TID 6) (127.0.0.1 executor 0): org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/venv/site-packages/pyspark/worker.py", line 3386, in main
    process()
  File "/lake/runs/jr_2e6e/script/rdd.py", line 5, in <lambda>
    spark.range(3).rdd.map(lambda r: 1/0).collect()
                                     ~^~
ZeroDivisionError: division by zero

	at org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:645)

Driver stacktrace:
	at org.apache.spark.scheduler.DAGScheduler.$anonfun$abortStage$3(DAGScheduler.scala:3122)
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/venv/site-packages/pyspark/worker.py", line 3386, in main
    process()
  File "/lake/runs/jr_2e6e/script/rdd.py", line 5, in <lambda>
    spark.range(3).rdd.map(lambda r: 1/0).collect()
                                     ~^~
ZeroDivisionError: division by zero

	at org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:645)
	... 1 more
""",
    "nobucket": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_052d/script/nobucket.py", line 5, in <module>
    frame.write.parquet("s3://nobucket/a/")
  File "/venv/site-packages/pyspark/sql/readwriter.py", line 2003, in parquet
    self._jwrite.parquet(path)
py4j.protocol.Py4JJavaError: An error occurred while calling o106.parquet.
: org.apache.hadoop.fs.s3a.UnknownStoreException: `s3://nobucket/a': getFileStatus on s3://nobucket/a: software.amazon.awssdk.services.s3.model.NoSuchBucketException: The specified bucket does not exist (Service: S3, Status Code: 404, Request ID: 18EDB589FA00FADC, Extended Reques
	at org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:278)
	Suppressed: org.apache.spark.util.Utils$OriginalTryStackTraceException: Full stacktrace of original doTryWithCallerStacktrace caller
		at org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:278)
		at org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:157)
		at org.apache.hadoop.fs.s3a.S3AFileSystem.s3GetFileStatus(S3AFileSystem.java:4161)
		at org.apache.hadoop.fs.s3a.S3AFileSystem.innerGetFileStatus(S3AFileSystem.java:4027)
		at org.apache.hadoop.fs.s3a.S3AFileSystem.lambda$exists$32(S3AFileSystem.java:5024)
		at org.apache.hadoop.fs.statistics.impl.IOStatisticsBinding.invokeTrackingDuration(IOStatisticsBinding.java:547)
		at org.apache.hadoop.fs.statistics.impl.IOStatisticsBinding.lambda$trackDurationOfOperation$5(IOStatisticsBinding.java:528)
		at org.apache.hadoop.fs.statistics.impl.IOStatisticsBinding.trackDuration(IOStatisticsBinding.java:449)
		at org.apache.hadoop.fs.s3a.S3AFileSystem.trackDurationAndSpan(S3AFileSystem.java:2917)
		at org.apache.hadoop.fs.s3a.S3AFileSystem.trackDurationAndSpan(S3AFileSystem.java:2936)
		at org.apache.hadoop.fs.s3a.S3AFileSystem.exists(S3AFileSystem.java:5022)
		at org.apache.spark.sql.execution.datasources.InsertIntoHadoopFsRelationCommand.run(InsertIntoHadoopFsRelationCommand.scala:127)
		at org.apache.spark.sql.execution.command.DataWritingCommandExec.sideEffectResult$lzycompute(commands.scala:117)
		at org.apache.spark.sql.execution.command.DataWritingCommandExec.sideEffectResult(commands.scala:115)
		at org.apache.spark.sql.execution.command.DataWritingCommandExec.executeCollect(commands.scala:129)
		at org.apache.spark.sql.execution.QueryExecution.$anonfun$eagerlyExecuteCommands$2(QueryExecution.scala:185)
		at org.apache.spark.sql.execution.SQLExecution$.$anonfun$withNewExecutionId0$8(SQLExecution.scala:177)
		at org.apache.spark.sql.execution.SQLExecution$.withSessionTagsApplied(SQLExecution.scala:285)
		at org.apache.spark.sql.execution.SQLExecution$.$anonfun$withNewExecutionId0$7(SQLExecution.scala:139)
		at org.apache.spark.JobArtifactSet$.withActiveJobArtifactState(JobArtifactSet.scala:94)
		at org.apache.spark.sql.artifact.ArtifactManager.$anonfun$withResources$1(ArtifactManager.scala:112)
		at org.apache.spark.sql.artifact.ArtifactManager.withClassLoaderIfNeeded(ArtifactManager.scala:106)
		at org.apache.spark.sql.artifact.ArtifactManager.withResources(ArtifactManager.scala:111)
		at org.apache.spark.sql.execution.SQLExecution$.$anonfun$withNewExecutionId0$6(SQLExecution.scala:139)
		at org.apache.spark.sql.execution.SQLExecution$.withSQLConfPropagated(SQLExecution.scala:308)
		at org.apache.spark.sql.execution.SQLExecution$.$anonfun$withNewExecutionId0$1(SQLExecution.scala:138)
		at org.apache.spark.sql.SparkSession.withActive(SparkSession.scala:804)
		at org.apache.spark.sql.execution.SQLExecution$.withNewExecutionId0(SQLExecution.scala:92)
		at org.apache.spark.sql.execution.SQLExecution$.withNewExecutionId(SQLExecution.scala:250)
		at org.apache.spark.sql.execution.QueryExecution.$anonfun$eagerlyExecuteCommands$1(QueryExecution.scala:185)
		at org.apache.spark.sql.execution.QueryExecution$.withInternalError(QueryExecution.scala:717)
		at org.apache.spark.sql.execution.QueryExecution.org$apache$spark$sql$execution$QueryExecution$$eagerlyExecute$1(QueryExecution.scala:184)
		at org.apache.spark.sql.execution.QueryExecution$$anonfun$eagerlyExecuteCommands$3.applyOrElse(QueryExecution.scala:201)
		at org.apache.spark.sql.execution.QueryExecution$$anonfun$eagerlyExecuteCommands$3.applyOrElse(QueryExecution.scala:194)
		at org.apache.spark.sql.catalyst.trees.TreeNode.$anonfun$transformDownWithPruning$1(TreeNode.scala:491)
		at org.apache.spark.sql.catalyst.trees.CurrentOrigin$.withOrigin(origin.scala:107)
		at org.apache.spark.sql.catalyst.trees.TreeNode.transformDownWithPruning(TreeNode.scala:491)
		at org.apache.spark.sql.catalyst.plans.logical.LogicalPlan.org$apache$spark$sql$catalyst$plans$logical$AnalysisHelper$$super$transformDownWithPruning(LogicalPlan.scala:37)
		at org.apache.spark.sql.catalyst.plans.logical.AnalysisHelper.transformDownWithPruning(AnalysisHelper.scala:360)
		at org.apache.spark.sql.catalyst.plans.logical.AnalysisHelper.transformDownWithPruning$(AnalysisHelper.scala:356)
		at org.apache.spark.sql.catalyst.plans.logical.LogicalPlan.transformDownWithPruning(LogicalPlan.scala:37)
		at org.apache.spark.sql.catalyst.plans.logical.LogicalPlan.transformDownWithPruning(LogicalPlan.scala:37)
		at org.apache.spark.sql.catalyst.trees.TreeNode.transformDown(TreeNode.scala:467)
		at org.apache.spark.sql.execution.QueryExecution.eagerlyExecuteCommands(QueryExecution.scala:194)
		at org.apache.spark.sql.execution.QueryExecution.$anonfun$lazyCommandExecuted$1(QueryExecution.scala:155)
		at scala.util.Try$.apply(Try.scala:217)
		at org.apache.spark.util.Utils$.doTryWithCallerStacktrace(Utils.scala:1392)
		at org.apache.spark.util.LazyTry.tryT$lzycompute(LazyTry.scala:46)
		at org.apache.spark.util.LazyTry.tryT(LazyTry.scala:46)
		... 18 more
Caused by: software.amazon.awssdk.services.s3.model.NoSuchBucketException: The specified bucket does not exist (Service: S3, Status Code: 404, Request ID: 18EDB589FA00FADC, Extended Request ID: fad4b3083214c3b0ad28cc0f83fd770a8fd5fb5e47b065bc7cae01b61e817e1a)
	at software.amazon.awssdk.protocols.xml.internal.unmarshall.AwsXmlPredicatedResponseHandler.handleErrorResponse(AwsXmlPredicatedResponseHandler.java:155)
	... 18 more
""",
    "path": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_a9ff/script/path.py", line 5, in <module>
    spark.read.parquet("s3://bronze/no/such/").count()
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/venv/site-packages/pyspark/sql/readwriter.py", line 642, in parquet
    return self._df(self._jreader.parquet(_to_seq(self._spark._sc, paths)))
                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://bronze/no/such. SQLSTATE: 42K03
""",
    "chained": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_d374/script/chained.py", line 6, in <module>
    int("x")
ValueError: invalid literal for int() with base 10: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/lake/runs/jr_d374/script/chained.py", line 8, in <module>
    raise RuntimeError("the month is not a number") from e
RuntimeError: the month is not a number
""",
    "compile": r"""
  File "/lake/runs/jr_f7e5/script/compile.py", line 2
    x = (
        ^
SyntaxError: '(' was never closed
""",
    "exit_text": r"""
no rows for
month 13
""",
    "printed": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_8fc3/script/printed.py", line 7, in <module>
    int("x")
ValueError: invalid literal for int() with base 10: 'x'
""",
    "glueargs": r"""
Traceback (most recent call last):
  File "/lake/runs/jr_6907/script/glueargs.py", line 5, in <module>
    args = getResolvedOptions(sys.argv, ["month"])
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/lakelet/etl/arguments.py", line 37, in resolved_options
    raise GlueArgumentError(f"the following arguments are required: {', '.join(missing)}")
lakelet.etl.errors.GlueArgumentError: the following arguments are required: --month
""",
}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "typo",
            "AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name "
            "`mnth` cannot be resolved. Did you mean one of the following? [`month`, `carrier`]. SQLSTATE: 42703. "
            'At typo.py:5: frame.select("mnth").show()',
        ),
        (
            "syntax",
            "ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'. SQLSTATE: 42601 (line 1, pos 0). "
            'At syntax.py:5: spark.sql("selec month from v").show()',
        ),
        (
            "table",
            "AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere_t` cannot be found. Verify the "
            "spelling and correctness of the schema and catalog. "
            'At table.py:5: spark.sql("select * from nowhere_t").show()',
        ),
        ("udf", "KeyError: 'b'. At udf.py:7: return {\"a\": 1}[x]"),
        (
            "udf_msg",
            'ValueError: cannot use carrier a. At udf_msg.py:6: raise ValueError("cannot use carrier " + x)',
        ),
        (
            "rdd",
            "ZeroDivisionError: division by zero. At rdd.py:5: spark.range(3).rdd.map(lambda r: 1/0).collect()",
        ),
        (
            "path",
            "AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://bronze/no/such. SQLSTATE: 42K03. "
            'At path.py:5: spark.read.parquet("s3://bronze/no/such/").count()',
        ),
        (
            "chained",
            "RuntimeError: the month is not a number. "
            'At chained.py:8: raise RuntimeError("the month is not a number") from e',
        ),
        ("compile", "SyntaxError: '(' was never closed. At compile.py:2: x = ("),
        ("exit_text", "no rows for month 13"),
        (
            "glueargs",
            "GlueArgumentError: the following arguments are required: --month. "
            'At glueargs.py:5: args = getResolvedOptions(sys.argv, ["month"])',
        ),
    ],
)
def test_the_reason_is_the_root_exception_and_the_script_s_line(tmp_path: Path, name: str, reason: str) -> None:
    log = tmp_path / "log"
    log.write_text(CORPUS[name])
    assert last_words(log, []) == reason
    assert last_words(tmp_path / "absent", [], log) == reason


def test_java_s_last_cause_is_the_reason_not_the_call_that_met_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(CORPUS["nobucket"])
    reason = last_words(tmp_path / "absent", [], log)
    assert reason.startswith("NoSuchBucketException: The specified bucket does not exist (Service: S3")
    assert reason.endswith('At nobucket.py:5: frame.write.parquet("s3://nobucket/a/")')


def test_an_exception_that_was_caught_and_printed_is_not_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(CORPUS["printed"])
    assert last_words(log, [], exit_code=2) == ""  # sys.exit(2)
    log.write_text(CORPUS["printed"].strip("\n") + "\nno rows for month 13\n")
    assert last_words(log, []) == "no rows for month 13"  # sys.exit("no rows for month 13")
    log.write_text(CORPUS["printed"] + CORPUS["chained"])
    assert last_words(log, []).startswith("RuntimeError: the month is not a number.")


def test_a_long_message_leaves_room_for_the_script_s_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(CORPUS["chained"].replace("is not a number\n", "is " + "x" * 5000 + "\n"))
    assert last_words(log, [])[:2_000].endswith('raise RuntimeError("the month is not a number") from e')


def test_a_log_tells_whether_it_has_the_traceback(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(CORPUS["typo"])
    assert has_traceback(log)
    log.write_text("month 1\n")
    assert not has_traceback(log)
    assert not has_traceback(tmp_path / "absent")


def test_a_failed_command_carries_what_the_command_wrote() -> None:
    program = "import sys; print('{}'); print('KeyError: 1', file=sys.stderr); sys.exit(4)"
    with pytest.MonkeyPatch.context() as patch:
        run = subprocess.run
        patch.setattr(
            "lakelet.testing.subprocess.run", lambda argv, **options: run([argv[0], "-c", program], **options)
        )
        with pytest.raises(testing.CommandError, match="KeyError: 1"):
            testing.Lakelet({}).run("jobs", "submit", "x", "--wait")


def test_the_stream_of_a_failure_is_the_one_with_the_traceback(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tmp_path)
    folder = workspace.runs / "jr_1"
    folder.mkdir(parents=True)
    (folder / "stdout.log").write_text("month 1\n")
    (folder / "stderr.log").write_text(CORPUS["chained"])
    assert failure_stream(workspace, "jr_1") is Stream.error
    assert last_lines(workspace, "jr_1", Stream.error, 1)[0].text == "RuntimeError: the month is not a number"
    (folder / "stdout.log").write_text(CORPUS["typo"])  # on Spark
    assert failure_stream(workspace, "jr_1") is Stream.driver
