"""Orders, from CSV to a table: the script runs on AWS Glue as it is."""

import sys
from contextlib import suppress

import boto3
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import ApplyMapping
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

arguments = getResolvedOptions(sys.argv, ["JOB_NAME", "source"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(arguments["JOB_NAME"], arguments)

delivered = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [arguments["source"]]}, "csv", {"withHeader": True}
)
typed = ApplyMapping.apply(
    delivered,
    [
        ("order_id", "string", "order_id", "bigint"),
        ("ordered_on", "string", "ordered_on", "date"),
        ("customer", "string", "customer", "string"),
        ("country", "string", "country", "string"),
        ("amount", "string", "amount", "double"),
    ],
).toDF()
orders = typed.where("amount IS NOT NULL").withColumn("month", F.month("ordered_on")).coalesce(1)

glue = boto3.client("glue")
with suppress(glue.exceptions.AlreadyExistsException):
    glue.create_database(DatabaseInput={"Name": "silver"})
path = "s3://silver/orders/"
glueContext.purge_s3_path(path, options={"retentionPeriod": 0})  # a rerun replaces what is there
sink = glueContext.getSink(
    connection_type="s3", path=path, enableUpdateCatalog=True, updateBehavior="UPDATE_IN_DATABASE",
    partitionKeys=["month"],
)  # fmt: skip
sink.setFormat("glueparquet")
sink.setCatalogInfo(catalogDatabase="silver", catalogTableName="orders")
sink.writeFrame(DynamicFrame.fromDF(orders, glueContext, "orders"))
job.commit()
