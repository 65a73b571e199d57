"""The Spark program whose classes go into the class-data archive: it does a little of all that jobs do."""

from __future__ import annotations

import sys

from lakelet.stack.training_store import store


def main(folder: str) -> None:
    """Read, join, aggregate and write in ``folder`` with every format that the lake knows."""
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as f
    from pyspark.sql.window import Window

    spark = SparkSession.builder.appName("training").getOrCreate()
    rows = [(number, f"name {number % 7}", float(number), number % 3) for number in range(100)]
    frame = spark.createDataFrame(rows, "id int, name string, value double, month int")
    frame.write.mode("overwrite").partitionBy("month").parquet(f"{folder}/parquet")
    frame.write.mode("overwrite").option("header", True).option("compression", "gzip").csv(f"{folder}/csv")
    frame.write.mode("overwrite").json(f"{folder}/json")
    frame.createOrReplaceTempView("t")
    parquet = spark.read.parquet(f"{folder}/parquet")
    text = spark.read.option("header", True).option("inferSchema", True).csv(f"{folder}/csv")
    joined = parquet.join(spark.read.json(f"{folder}/json").select("id", "name"), "id", "left")
    joined.join(f.broadcast(text.select("id")), "id").groupBy("month").agg(f.avg("value"), f.count("*")).collect()
    window = Window.partitionBy("month").orderBy(f.desc("value"))
    parquet.withColumn("rank", f.row_number().over(window)).where("rank < 3").orderBy("id").collect()
    spark.sql("select name, sum(value) s, to_timestamp('2013-01-01') d from t group by name having s > 1").toPandas()
    frame.rdd.map(lambda row: (row.month, 1)).reduceByKey(lambda a, b: a + b).collect()
    with store() as address:
        spark.sparkContext._jsc.hadoopConfiguration().set("fs.s3a.endpoint", address)
        frame.write.partitionBy("month").parquet("s3a://training/data")
        spark.read.parquet("s3a://training/data").where("id > 3").count()
    for name in (
        "org.apache.spark.deploy.master.Master",
        "org.apache.spark.deploy.worker.Worker",
        "org.apache.spark.deploy.history.HistoryServer",
        "org.apache.spark.executor.CoarseGrainedExecutorBackend",
        "org.apache.spark.scheduler.cluster.StandaloneSchedulerBackend",
        "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
    ):
        spark.sparkContext._gateway.jvm.java.lang.Class.forName(name)  # type: ignore[union-attr]
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
