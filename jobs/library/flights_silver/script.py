"""Bronze to silver: every row delivered ends up in exactly one of three tables.

- ``silver.flights``: typed, one row per flight, partitioned by month;
- ``silver.flights_duplicates``: rows of a flight that is in silver already, ``exact`` or ``conflicting``. The monthly
  file wins over a later delivery, an earlier line over a later one;
- ``silver.flights_quarantine``: rows that cannot be read, with object, line, text and reason.
"""

import sys
from functools import reduce
from operator import or_

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
delivered = text.toDF()


def unparsable(name, kind):
    return F.col(name).isNotNull() & F.col(name).try_cast(kind).isNull()


typed = [(name, kind) for name, kind in COLUMNS if kind != "string"]
bad = reduce(or_, (unparsable(name, kind) for name, kind in typed))
reason = F.coalesce(*(F.when(unparsable(name, kind), F.lit(f"unparsable number in {name}")) for name, kind in typed))
readable = DynamicFrame.fromDF(delivered.where(~bad), glueContext, "readable")

flights = ApplyMapping.apply(
    readable,
    mappings=[(name, "string", name, kind) for name, kind in COLUMNS]
    + [("source_object", "string", "source_object", "string"), ("line_number", "long", "line_number", "long")],
    transformation_ctx="flights",
).toDF()
flights = flights.withColumn(
    "flight_id",
    F.concat_ws("-", F.date_format("time_hour", "yyyyMMdd'T'HH"), "carrier", "flight", "origin"),
)

# One shuffle serves both the search for duplicates and the layout of the result: one file a month.
same_flight = Window.partitionBy("month", "flight_id")
by_delivery = same_flight.orderBy(
    (~F.col("source_object").endswith("/flights.csv.gz")).cast("int"), "source_object", "line_number"
)
content = F.xxhash64(*(name for name, _ in COLUMNS))
ranked = (
    flights.withColumn("content", content)
    .repartition(8, "month")
    .withColumn("delivery", F.row_number().over(by_delivery))
    .withColumn("winner", F.first("content").over(by_delivery))
    .cache()
)

columns = ["flight_id", *(name for name, _ in COLUMNS)]
silver = ranked.where("delivery = 1").select(columns)
duplicates = ranked.where("delivery > 1").select(
    *columns, "source_object", "line_number", F.expr("if(content = winner, 'exact', 'conflicting')").alias("reason")
)
unreadable = (
    bronze.errorsAsDynamicFrame()
    .toDF()
    .select(
        F.col("error.source").alias("source_object"),
        F.col("error.line").alias("line_number"),
        F.col("error.input").alias("raw_text"),
        F.col("error.msg").alias("reason"),
    )
)
quarantine = unreadable.unionByName(delivered.where(bad).select(*SOURCE, reason.alias("reason"))).coalesce(1)


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
