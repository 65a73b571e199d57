"""EvaluateDataQuality on a real lake: tables of the catalog, rules about objects, results on S3, and whole jobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.jobs import engines
from lakelet.jobs.logs import Stream, read
from lakelet.workspace.errors import UsageError
from tests.lake import Lake, own_lake
from tests.stack.flights import Flights

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack

# As AWS Glue Studio generates it: rows that fail go elsewhere, and the job ends when a rule of the whole fails.
SCRIPT = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsgluedq.transforms import EvaluateDataQuality

args = getResolvedOptions(sys.argv, ['JOB_NAME'])
sc = SparkContext()
glueContext = GlueContext(sc)
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
planes = glueContext.create_dynamic_frame.from_catalog(database="bronze", table_name="planes", transformation_ctx="planes")
EvaluateDataQuality_node_ruleset = \"\"\"
    Rules = [
        RowCount > last(),
        IsPrimaryKey "tailnum",
        ColumnValues "engines" between 0 and 3
    ]
\"\"\"
node = EvaluateDataQuality().process_rows(frame=planes, ruleset=EvaluateDataQuality_node_ruleset, publishing_options={"dataQualityEvaluationContext": "planes_node", "enableDataQualityCloudWatchMetrics": True, "enableDataQualityResultsPublishing": True}, additional_options={"performanceTuning.caching":"CACHE_NOTHING","observations.scope":"ALL"})
rows = SelectFromCollection.apply(dfc=node, key="rowLevelOutcomes", transformation_ctx="rows")
outcomes = SelectFromCollection.apply(dfc=node, key="ruleOutcomes", transformation_ctx="outcomes")
for one in outcomes.toDF().collect():
    print(one["Outcome"], one["EvaluatedRule"])
failing = rows.toDF().filter("DataQualityEvaluationResult = 'Failed'")
print(rows.toDF().count(), failing.count(), failing.where("engines < 3").count())
assert outcomes.toDF().filter("Rule like 'RowCount%' and Outcome = 'Failed'").count() == 0, "The job failed due to failing DQ rules"
job.commit()
"""  # noqa: E501 - as the Studio writes it


@pytest.fixture(scope="module")
def place(lake: GlueContext) -> Iterator[Lake]:
    with own_lake(lake, "test-quality") as made:
        for name, text in (("a.csv", "n\n1\n"), ("b.csv", "n\n1\n"), ("c.json", "{}"), ("sub/a.csv", "n\n22\n")):
            made.put(f"files/{name}", text)
        for name in ("a.csv", "b.csv", "c.json", "sub/a.csv"):
            content = made.client.get_object(Bucket=made.name, Key=f"files/{name}")["Body"].read()
            made.put(f"copies/{name}", content)
        yield made


def outcomes(place: Lake, rules: list[str]) -> dict[str, tuple[str, dict[str, float], str | None]]:
    from awsglue.dynamicframe import DynamicFrame
    from awsgluedq.transforms import EvaluateDataQuality

    frame = DynamicFrame.fromDF(place.glue.spark_session.range(1), place.glue, "one")
    rows = EvaluateDataQuality.apply(frame=frame, ruleset=f"Rules = [ {', '.join(rules)} ]").toDF().collect()
    return {row["Rule"]: (row["Outcome"], row["EvaluatedMetrics"], row["FailureReason"]) for row in rows}


def test_rules_about_objects(place: Lake) -> None:
    files, copies = place.uri("files"), place.uri("copies")
    known = [hashlib.sha256(text.encode()).hexdigest() for text in ("n\n1\n", "{}", "n\n22\n")]
    md5 = hashlib.md5(b"{}").hexdigest()
    listed = ",".join(f'"{one}"' for one in known)
    count = {"Dataset.*.FileCount": 4.0}
    sizes = {"Dataset.*.MaximumFileSize": 5.0, "Dataset.*.MinimumFileSize": 2.0}
    expected: dict[str, tuple[str, dict[str, float]]] = {
        f'FileSize "{files}" < 1 KB': ("Passed", {**count, **sizes, "Dataset.*.FileSize.Compliance": 1.0}),
        f'FileSize "{files}" > 2 B with threshold > 0.7': (
            "Passed",
            {**count, **sizes, "Dataset.*.FileSize.Compliance": 0.75},
        ),
        f'FileSize "{files}a.csv" between 3 B and 5 B': (
            "Passed",
            {
                "Dataset.*.FileCount": 1.0,
                "Dataset.*.FileSize.Compliance": 1.0,
                "Dataset.*.MaximumFileSize": 4.0,
                "Dataset.*.MinimumFileSize": 4.0,
            },
        ),
        f'FileSize "{files}" > 2 B with failFast = "true"': ("Failed", {**count, **sizes}),
        f'FileFreshness "{files}" > (now() - 1 hours)': (
            "Passed",
            {**count, "Dataset.*.FileFreshness.Compliance": 1.0},
        ),
        f'FileFreshness "{files}" < "2020-01-01"': ("Failed", {**count, "Dataset.*.FileFreshness.Compliance": 0.0}),
        f'FileFreshness "{files}" > "2020-01-01" with recentFiles = 2': (
            "Passed",
            {"Dataset.*.FileCount": 2.0, "Dataset.*.FileFreshness.Compliance": 1.0},
        ),
        f'FileUniqueness "{files}" > 0.4': ("Passed", {**count, "Dataset.*.FileUniquenessRatio": 0.5}),
        f'FileUniqueness "{files}" > 0.4 with matchFileName = "true"': (
            "Failed",
            {**count, "Dataset.*.FileUniquenessRatio": 0.25},
        ),
        f'FileMatch "{files}" "{copies}"': ("Passed", count),
        f'FileMatch "{files}" "{files}sub/"': ("Failed", count),
        f'FileMatch "{files}" in [{listed}]': ("Passed", count),
        f'FileMatch "{files}" in ["{md5}"] with hashAlgorithm = "MD5" with uriRegex = "\\.json$"': (
            "Passed",
            {"Dataset.*.FileCount": 1.0},
        ),
        f'FileMatch "{files}" in ["{md5}"] with hashAlgorithm = "MD5" with uriRegex = "(?!.*\\.csv$).*"': (
            "Passed",
            {"Dataset.*.FileCount": 1.0},
        ),
        f'FileMatch "{files}c.json" in ["00"]': ("Failed", {"Dataset.*.FileCount": 1.0}),
        f'FileSize "{files}none/" > 0 B': ("Failed", {}),
    }
    found = outcomes(place, list(expected))
    assert {rule: one[:2] for rule, one in found.items()} == expected
    assert found[f'FileSize "{files}none/" > 0 B'][2] == f"No files are left at {files}none/."
    with pytest.raises(UsageError, match="names the time zone Mars"):
        outcomes(place, [f'FileFreshness "{files}" > "21:45" with timeZone = "Mars"'])


def test_a_table_is_evaluated_and_its_results_lie_on_s3(place: Lake) -> None:
    from awsgluedq.transforms import EvaluateDataQuality

    place.put("prices/1.csv", "id,price\n1,10\n2,n/a\n3,\n")
    frame = place.read("prices", "csv", {"withHeader": True})
    rules = """
    Rules = [ IsComplete "price" labels=["team"="ops"], ColumnDataType "price" = "INTEGER" with threshold > 0.3 ]
    Analyzers = [ RowCount ]
    """
    options = {"dataQualityEvaluationContext": "prices", "resultsS3Prefix": f"{place.name}/results"}
    EvaluateDataQuality.apply(frame=frame, ruleset=rules, publishing_options=options)
    (key,) = [one["Key"] for one in place.client.list_objects_v2(Bucket=place.name, Prefix="results/")["Contents"]]
    assert key.startswith("results/prices/2") and key.endswith(".json")
    body = place.client.get_object(Bucket=place.name, Key=key)["Body"].read().decode()
    lines = [json.loads(line) for line in body.splitlines()]
    assert {line["evaluationContext"] for line in lines} == {"prices"}
    shared = {"evaluationContext", "jobName", "jobRunId", "evaluationStartedOn", "evaluationCompletedOn"}
    of_rules = {"rule", "outcome", "failureReason", "evaluatedMetrics", "evaluatedRule", "labels"}
    assert [line.keys() - shared for line in lines] == [of_rules, of_rules, {"analyzer", "evaluatedMetrics"}]
    assert all(line.keys() > shared and line["evaluationStartedOn"] <= line["evaluationCompletedOn"] for line in lines)
    assert [line["labels"] for line in lines[:2]] == [{"team": "ops"}, {}]
    assert lines[0]["failureReason"].endswith("does not meet the constraint requirement!")
    assert lines[1]["failureReason"] is None and lines[1]["evaluatedRule"] == lines[1]["rule"]
    told = [(line.get("rule", line.get("analyzer")), line.get("outcome"), line["evaluatedMetrics"]) for line in lines]
    assert told == [
        ('IsComplete "price"', "Failed", {"Column.price.Completeness": pytest.approx(2 / 3)}),
        (
            'ColumnDataType "price" = "INTEGER" with threshold > 0.3',
            "Passed",
            {"Column.price.ColumnDataType.Compliance": pytest.approx(1 / 3)},
        ),
        ("RowCount", None, {"Dataset.*.RowCount": 3.0}),
    ]
    place.client.delete_object(Bucket=place.name, Key=key)


def test_a_job_that_checks_its_data(stack: Any, tmp_path: Path) -> None:
    flights = Flights(stack.workspace, tmp_path)
    script = tmp_path / "quality.py"
    script.write_text(SCRIPT)
    said = []
    # What the first run saw is the past of the second, and of one on the other engine.
    for engine, state in ((engines.SAIL, "SUCCEEDED"), (engines.SAIL, "FAILED"), (engines.SPARK, "FAILED")):
        ended = flights.jobs.wait(flights.jobs.submit(str(script), {engines.ARGUMENT: engine}))
        lines = [line.text for line in read(flights.workspace, ended["Id"], Stream.driver)]
        assert ended["JobRunState"] == state, (ended, lines)
        said.append(lines[:4])
    (rows,) = flights.rows("select count(*) from bronze.planes")[0]
    (wrong,) = flights.rows("select count(*) from bronze.planes where not (engines > 0 and engines < 3)")[0]
    rest = ['Passed IsPrimaryKey "tailnum"', 'Failed ColumnValues "engines" between 0 and 3', f"{rows} {wrong} 0"]
    assert wrong
    last = [f"Failed RowCount > {rows}.0", *rest]
    assert said == [["Passed RowCount > 0.0", *rest], last, last]
