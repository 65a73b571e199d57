"""Gold to its aggregates: how many flights, how many cancelled, how late, by what.

``cancelled`` flights have no departure time; delays are averages in minutes; ``delayed_share`` is the share of landed
flights that arrived more than 15 minutes late.
"""

import sys

from pyspark.context import SparkContext
from pyspark.sql import functions as F

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.utils import getResolvedOptions

LATE_MINUTES = 15

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
glueContext = GlueContext(SparkContext.getOrCreate())
glueContext.spark_session.conf.set("spark.sql.shuffle.partitions", 1)  # results of some hundred rows: one file each
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

# Weather, the first that holds: visibility in miles, wind in miles per hour.
CONDITION = (
    F.when(F.coalesce("precip", "visib", "wind_speed").isNull(), "unknown")
    .when(F.col("precip") > 0, "rain")
    .when(F.col("visib") < 3, "low visibility")
    .when(F.col("wind_speed") >= 20, "wind")
    .otherwise("clear")
)
flights = (
    glueContext.create_data_frame.from_catalog(database="gold", table_name="flights", transformation_ctx="flights")
    .withColumn("condition", CONDITION)
    .select(
        "month", "hour", "carrier", "carrier_name", "origin", "dest", "dest_name", "distance", "condition",
        "dep_time", "dep_delay", "arr_delay",
    )
    .cache()
)  # fmt: skip

MEASURES = [
    F.count("*").alias("flights"),
    F.count_if(F.col("dep_time").isNull()).alias("cancelled"),
    F.avg("dep_delay").alias("avg_dep_delay"),
    F.avg("arr_delay").alias("avg_arr_delay"),
    F.avg((F.col("arr_delay") > LATE_MINUTES).cast("int")).alias("delayed_share"),
]
# A route is a pair of airports; a few carriers report its distance a mile longer or shorter than the others.
ROUTE = [F.max("dest_name").alias("dest_name"), F.max("distance").alias("distance")]
AGGREGATES = {
    "delay_by_carrier": (["carrier"], [F.max("carrier_name").alias("carrier_name")]),
    "delay_by_route": (["origin", "dest"], ROUTE),
    "delay_by_hour": (["origin", "hour"], []),
    "delay_by_weather": (["condition"], []),
    "monthly_seasonality": (["month", "carrier"], []),
}

for name, (keys, names) in AGGREGATES.items():
    rows = flights.groupBy(*keys).agg(*names, *MEASURES).sortWithinPartitions(*keys)
    path = f"s3://gold/{name}/"
    glueContext.purge_s3_path(path, options={"retentionPeriod": 0})
    sink = glueContext.getSink(
        connection_type="s3", path=path, enableUpdateCatalog=True, updateBehavior="UPDATE_IN_DATABASE",
        transformation_ctx=name,
    )  # fmt: skip
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase="gold", catalogTableName=name)
    sink.writeFrame(DynamicFrame.fromDF(rows, glueContext, name))
job.commit()
