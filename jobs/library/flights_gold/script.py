"""Silver to gold: a row per flight with its weather, plane, carrier and airports.

Every join is a left join to a table with one row per key, so that no flight is lost and none is doubled. Weather is
known by origin and hour (UTC); where a key was reported twice, one report is taken, always the same.
"""

import sys

from pyspark.context import SparkContext
from pyspark.sql import functions as F

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.utils import getResolvedOptions

MEASURES = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
TARGET = "s3://gold/flights/"

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)


def table(database, name):
    return glueContext.create_data_frame.from_catalog(database=database, table_name=name, transformation_ctx=name)


def one_per_key(rows, keys, values):
    """One row per key: of several, the one with the smallest values. Such tables are small: no shuffle, a broadcast."""
    chosen = rows.coalesce(1).groupBy(*keys).agg(F.min(F.struct(*values)).alias("chosen"))
    return F.broadcast(chosen.select(*keys, "chosen.*"))


flights = table("silver", "flights")
weather = one_per_key(
    table("bronze", "weather").select("origin", "time_hour", *(F.col(name).cast("double") for name in MEASURES)),
    ["origin", "time_hour"],
    MEASURES,
)
planes = one_per_key(
    table("bronze", "planes").select(
        "tailnum", F.col("year").cast("int").alias("plane_year"), F.col("type").alias("plane_type"), "manufacturer",
        "model", "engine", F.col("engines").cast("int"), F.col("seats").cast("int"),
    ),
    ["tailnum"],
    ["plane_year", "plane_type", "manufacturer", "model", "engine", "engines", "seats"],
)  # fmt: skip
airlines = one_per_key(
    table("bronze", "airlines").select("carrier", F.col("name").alias("carrier_name")), ["carrier"], ["carrier_name"]
)


def airports(side):
    columns = [f"{side}_name", f"{side}_lat", f"{side}_lon"]
    named = table("bronze", "airports").select(
        F.col("faa").alias(side), F.col("name").alias(columns[0]),
        F.col("lat").cast("double").alias(columns[1]), F.col("lon").cast("double").alias(columns[2]),
    )  # fmt: skip
    return one_per_key(named, [side], columns)


gold = (
    flights.join(weather, ["origin", "time_hour"], "left")
    .join(planes, ["tailnum"], "left")
    .join(airlines, ["carrier"], "left")
    .join(airports("origin"), ["origin"], "left")
    .join(airports("dest"), ["dest"], "left")
    .select(
        *(name for name in flights.columns if name != "month"), *MEASURES,
        "plane_year", "plane_type", "manufacturer", "model", "engine", "engines", "seats", "carrier_name",
        "origin_name", "dest_name", "origin_lat", "origin_lon", "dest_lat", "dest_lon", "month",
    )
)  # fmt: skip

glueContext.purge_s3_path(TARGET, options={"retentionPeriod": 0})
sink = glueContext.getSink(
    connection_type="s3", path=TARGET, enableUpdateCatalog=True, updateBehavior="UPDATE_IN_DATABASE",
    partitionKeys=["month"], transformation_ctx="gold",
)  # fmt: skip
sink.setFormat("glueparquet")
sink.setCatalogInfo(catalogDatabase="gold", catalogTableName="flights")
sink.writeFrame(DynamicFrame.fromDF(gold, glueContext, "gold"))
job.commit()
