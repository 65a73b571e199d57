"""A crawl of many objects in Hive partitions, beside listing them and reading the same objects bare, in one run.

    python -m bench.crawl [--objects 100000] [--partitions 1000] [--repeat 3] [--output json]

Starts a MinIO and a control process of its own. The crawl is what people get: StartCrawler until its run has ended,
with a SampleSize of 1, so that one object of each partition is read; its table, types and partitions are checked. The
bare way lists with boto3's paginator and reads the same objects with as many threads. Aim: crawl ÷ bare ≤ 1.5; the
first crawl, which also writes the partitions, and later ones, which compare them, are told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from lakelet.catalog.crawlers.sampling import READERS
from lakelet.catalog.glue import Glue
from lakelet.data.objects import s3_client
from lakelet.stack import operate
from lakelet.workspace.paths import STATE_VARIABLE, Workspace

AIM = 1.5
NAME = "bench-crawl"
BODY = b"id,delay,carrier\n" + b"".join(b"%d,%d.5,AA\n" % (number, number % 60) for number in range(100))
SCHEMA = {"id": "bigint", "delay": "double", "carrier": "string"}


@contextmanager
def own_stack() -> Iterator[Workspace]:
    """A MinIO and a control process in a folder that is dropped with them."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STATE_VARIABLE] = str(Path(folder) / ".lakelet")
        workspace = Workspace.find()
        try:
            operate.start(workspace, ("minio", "control"))
            yield workspace
        finally:
            operate.stop(workspace)


def fill(s3: Any, objects: int, partitions: int) -> None:
    """Put the objects, spread evenly over the partitions."""
    s3.create_bucket(Bucket=NAME)
    keys = (f"t/day={number % partitions:05}/part-{number // partitions:05}.csv" for number in range(objects))
    with ThreadPoolExecutor(READERS) as pool:
        for _ in pool.map(lambda key: s3.put_object(Bucket=NAME, Key=key, Body=BODY), keys):
            pass


def bare(s3: Any, objects: int, partitions: int) -> None:
    """List everything and read the first object of each partition, and no more."""
    first: dict[str, str] = {}
    count = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=NAME, Prefix="t/"):
        for item in page.get("Contents", ()):  # a page may be empty
            count += 1
            first.setdefault(item["Key"].rpartition("/")[0], item["Key"])
    with ThreadPoolExecutor(READERS) as pool:
        read = list(pool.map(lambda key: s3.get_object(Bucket=NAME, Key=key)["Body"].read(), first.values()))
    assert (count, len(read), set(read)) == (objects, partitions, {BODY})


def crawl(glue: Glue, partitions: int) -> None:
    """One crawl to its end, and what it has to have found."""
    glue.call("StartCrawler", Name=NAME)
    while (crawler := glue.call("GetCrawler", Name=NAME)["Crawler"])["State"] != "READY":
        time.sleep(0.02)
    assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler["LastCrawl"]
    table = glue.call("GetTable", DatabaseName=NAME, Name="t")["Table"]
    assert {one["Name"]: one["Type"] for one in table["StorageDescriptor"]["Columns"]} == SCHEMA
    found = glue.pages("GetPartitions", "Partitions", DatabaseName=NAME, TableName="t", ExcludeColumnSchema=True)
    assert sum(1 for _ in found) == partitions


def seconds(action: Callable[[], object]) -> float:
    """How long that takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def measure(workspace: Workspace, objects: int, partitions: int, repeat: int) -> dict[str, list[float]]:
    """Seconds of the bare way and of the crawl, in turn."""
    s3, glue = s3_client(workspace), Glue(workspace)
    fill(s3, objects, partitions)
    target = {"Path": f"s3://{NAME}/t/", "SampleSize": 1}
    glue.call("CreateCrawler", Name=NAME, Role="r", DatabaseName=NAME, Targets={"S3Targets": [target]})
    bare(s3, objects, partitions)  # warms MinIO and the page cache; does not count
    found: dict[str, list[float]] = {"bare": [], "crawl": []}
    ways = [("bare", partial(bare, s3, objects, partitions)), ("crawl", partial(crawl, glue, partitions))]
    for round_ in range(repeat):
        for name, action in ways if round_ % 2 else reversed(ways):
            found[name].append(seconds(action))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=1_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    with own_stack() as workspace:
        found = measure(workspace, options.objects, options.partitions, options.repeat)
    middle = {name: statistics.median(times) for name, times in found.items()}
    result = {
        "objects": options.objects,
        "partitions": options.partitions,
        "seconds": found,
        "first_ratio": found["crawl"][0] / middle["bare"],
        "ratio": middle["crawl"] / middle["bare"],
    }
    if options.output == "json":
        print(json.dumps(result))
        return
    for name, times in found.items():
        print(f"{name:6} {middle[name]:7.2f} s  ({', '.join(f'{one:.2f}' for one in times)})")
    print(f"crawl ÷ bare: {result['ratio']:.2f} (aim ≤ {AIM}); the first, which writes: {result['first_ratio']:.2f}")


if __name__ == "__main__":
    main()
