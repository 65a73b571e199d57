"""Bronze to silver: every row delivered ends up in exactly one of three tables.

- ``silver.flights``: typed, one row per flight, partitioned by month;
- ``silver.flights_duplicates``: rows of a flight that is in silver already, ``exact`` or ``conflicting``. The monthly
  file wins over a later delivery, an earlier line over a later one;
- ``silver.flights_quarantine``: rows that cannot be read, with object, line, text and reason.
"""

import sys

from pyspark.context import SparkContext
from pyspark.sql import Window
from pyspark.sql import functions as F

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import ApplyMapping, ResolveChoice
from awsglue.utils import getResolvedOptions

# (column, type in silver)
COLUMNS = [
    ("year", "int"), ("month", "int"), ("day", "int"), ("dep_time", "int"), ("sched_dep_time", "int"),
    ("dep_delay", "double"), ("arr_time", "int"), ("sched_arr_time", "int"), ("arr_delay", "double"),
    ("carrier", "string"), ("flight", "int"), ("tailnum", "string"), ("origin", "string"), ("dest", "string"),
    ("air_time", "double"), ("distance", "double"), ("hour", "int"), ("minute", "int"), ("time_hour", "timestamp"),
]  # fmt: skip
SOURCE = ["source_object", "line_number", "raw_text"]

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

bronze = glueContext.create_dynamic_frame.from_catalog(
    database="bronze",
    table_name="flights",
    transformation_ctx="bronze",
    additional_options=dict(zip(["attachFilename", "attachLineNumber", "attachText"], SOURCE, strict=True)),
)
# The crawler may have guessed numbers: take the text as it was delivered, and judge it here.
text = ResolveChoice.apply(bronze, specs=[(name, "cast:string") for name, _ in COLUMNS], transformation_ctx="text")


def unparsable(name, kind):
    broken = F.col(name).isNotNull() & F.col(name).try_cast(kind).isNull()
    return F.when(broken, F.lit(f"unparsable number in {name}"))


judged = text.toDF().withColumn("reason", F.coalesce(*(unparsable(*column) for column in COLUMNS)))
judged = judged.withColumn("raw_text", F.when(F.col("reason").isNotNull(), F.col("raw_text")))
typed = ApplyMapping.apply(
    DynamicFrame.fromDF(judged, glueContext, "judged"),
    mappings=[(name, "string", name, kind) for name, kind in COLUMNS]
    + [("source_object", "string", "source_object", "string"), ("line_number", "long", "line_number", "long")]
    + [("raw_text", "string", "raw_text", "string"), ("reason", "string", "reason", "string")],
    transformation_ctx="typed",
).toDF()

# One shuffle serves both the search for duplicates and the layout of the result: one file a month.
same_flight = Window.partitionBy("month", "flight_id", "reason").orderBy(
    (~F.col("source_object").endswith("/flights.csv.gz")).cast("int"), "source_object", "line_number"
)
flight_id = F.concat_ws("-", F.date_format("time_hour", "yyyyMMdd'T'HH"), "carrier", "flight", "origin")
rows = (
    typed.withColumns({"flight_id": flight_id, "content": F.xxhash64(*(name for name, _ in COLUMNS))})
    .repartition(8, "month")
    .withColumns({"place": F.row_number().over(same_flight), "first": F.first("content").over(same_flight)})
    .cache()
)

columns = ["flight_id", *(name for name, _ in COLUMNS)]
readable = rows.where("reason IS NULL")
silver = readable.where("place = 1").select(columns)
duplicates = readable.where("place > 1").select(
    *columns, "source_object", "line_number", F.expr("if(content = first, 'exact', 'conflicting')").alias("reason")
)
unreadable = bronze.errorsAsDynamicFrame().toDF().select(
    F.col("error.source").alias("source_object"), F.col("error.line").alias("line_number"),
    F.col("error.input").alias("raw_text"), F.col("error.msg").alias("reason"),
)  # fmt: skip
quarantine = unreadable.unionByName(rows.where("reason IS NOT NULL").select(unreadable.columns)).repartition(1)


def replace(table, rows, keys=()):
    """Publish a table anew: what is there goes when the new rows come."""
    path = f"s3://silver/{table}/"
    glueContext.purge_s3_path(path, options={"retentionPeriod": 0})
    sink = glueContext.getSink(
        connection_type="s3", path=path, enableUpdateCatalog=True, updateBehavior="UPDATE_IN_DATABASE",
        partitionKeys=list(keys), transformation_ctx=table,
    )  # fmt: skip
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase="silver", catalogTableName=table)
    sink.writeFrame(DynamicFrame.fromDF(rows, glueContext, table))


replace("flights", silver, ["month"])
replace("flights_duplicates", duplicates.coalesce(1))
replace("flights_quarantine", quarantine)
job.commit()
