"""A million partitions in the Data Catalog beside ten thousand in moto's server, in one run.

    python -m bench.catalog [--partitions 1000000] [--repeat 30] [--output json]

Starts a control process of its own, and moto's server in a virtual environment of its own (in the cache).

* BatchCreatePartition: the same loop of boto3 at both, 100 partitions a request; here every request is on the disk when
  it is answered, there it is in memory. Aims: ≥ 0.8 of moto's rate, and as fast for the last ten thousand as for the
  first.
* GetPartitions: an expression on the second of three keys that returns the same 1,000 partitions at both, asked by
  the same signed bytes, with and without a partition index on that key. Aim: ≤ 1/10 of the time
  that moto takes with a hundredth of the partitions. boto3's own figures stand beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.wire import Replay, glue, moto
from lakelet.stack import operate
from lakelet.workspace.paths import STATE_VARIABLE, Workspace
from lakelet.workspace.secrets import secret

FEW = 10_000
TENTHS = 10
BATCH = 100
WANTED = 1_000
EXPRESSION = "batch = 7"
KEYS = [{"Name": "shard", "Type": "string"}, {"Name": "batch", "Type": "int"}, {"Name": "day", "Type": "date"}]
COLUMNS = [
    {"Name": name, "Type": kind} for name, kind in (("carrier", "string"), ("delay", "int"), ("at", "timestamp"))
]
PLACE = {"DatabaseName": "d", "TableName": "t"}


def partition(number: int) -> dict[str, Any]:
    """The partition of that number, the same at both: a batch has one in each of 1,000 shards."""
    day = date(2000, 1, 1) + timedelta(number // WANTED)
    values = [f"s{number % WANTED:04d}", str(number // WANTED), day.isoformat()]
    place = "/".join(f"{key['Name']}={value}" for key, value in zip(KEYS, values, strict=True))
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    descriptor = {"Location": f"s3://silver/t/{place}/", "Columns": COLUMNS, "SerdeInfo": serde}
    return {"Values": values, "StorageDescriptor": descriptor, "Parameters": {"recordCount": str(number)}}


def create(client: Any, numbers: range) -> float:
    """Create partitions in batches; returns the seconds it took."""
    batches = [[partition(n) for n in numbers[start : start + BATCH]] for start in range(0, len(numbers), BATCH)]
    began = time.perf_counter()
    for batch in batches:
        if errors := client.batch_create_partition(**PLACE, PartitionInputList=batch).get("Errors"):
            raise SystemExit(f"BatchCreatePartition failed: {errors[0]}")
    return time.perf_counter() - began


def make_table(client: Any) -> None:
    """The database and its table."""
    client.create_database(DatabaseInput={"Name": "d"})
    client.create_table(DatabaseName="d", TableInput={"Name": "t", "PartitionKeys": KEYS})


def request(url: str, keys: Credentials) -> bytes:
    """The GetPartitions as it goes over the wire."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetPartitions"}
    body = json.dumps({**PLACE, "Expression": EXPRESSION}).encode()
    made = AWSRequest("POST", url + "/", headers=headers, data=body)
    SigV4Auth(keys, "glue", "us-east-1").add_auth(made)
    sent = {**made.headers, "Host": urlsplit(url).netloc, "Content-Length": str(len(body))}
    return (
        "\r\n".join(["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]).encode() + body
    )


def get(ends: dict[str, tuple[str, Any]], keys: Credentials, repeat: int) -> dict[str, dict[str, float]]:
    """Milliseconds of the expression at each end, in turn, the median: on the wire, and by boto3."""
    taken: dict[str, dict[str, list[float]]] = {name: {"ms": [], "boto3_ms": []} for name in ends}
    for client in (client for _, client in ends.values()):
        found = client.get_partitions(**PLACE, Expression=EXPRESSION)["Partitions"]
        numbers = sorted(int(one["Parameters"]["recordCount"]) for one in found)
        if numbers != list(range(7 * WANTED, 8 * WANTED)):
            raise SystemExit(f"{EXPRESSION} returned {len(found)} partitions, and not those that it should.")
    made = {name: request(url, keys) for name, (url, _) in ends.items()}
    for _ in range(repeat):
        for name, (url, client) in ends.items():
            # A connection each: moto closes it after an answer.
            taken[name]["ms"].append(Replay(url, made[name]).seconds() * 1e3)
            began = time.perf_counter()
            client.get_partitions(**PLACE, Expression=EXPRESSION)
            taken[name]["boto3_ms"].append((time.perf_counter() - began) * 1e3)
    return {name: {what: statistics.median(times) for what, times in one.items()} for name, one in taken.items()}


def index(client: Any) -> float:
    """Index the key of the expression; returns the seconds until it is ACTIVE."""
    began = time.perf_counter()
    client.create_partition_index(**PLACE, PartitionIndex={"IndexName": "by_batch", "Keys": ["batch"]})
    while client.get_partition_indexes(**PLACE)["PartitionIndexDescriptorList"][0]["IndexStatus"] != "ACTIVE":
        time.sleep(0.2)
    return time.perf_counter() - began


@contextmanager
def own_control() -> Iterator[Workspace]:
    """A control process in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STATE_VARIABLE] = str(Path(folder) / ".lakelet")
        workspace = Workspace.find()
        try:
            operate.start(workspace, ("control",))
            yield workspace
        finally:
            operate.stop(workspace)


def measure(partitions: int, repeat: int) -> dict[str, Any]:
    """Everything, in one run; both ends in turn, so that what else the machine does is the same for both."""
    with own_control() as workspace, moto(workspace) as theirs:
        ours = workspace.endpoint("control")
        keys = Credentials(secret(workspace, "access_key"), secret(workspace, "secret_key"))
        client, their_client = glue(ours, keys), glue(theirs, keys)
        make_table(client)
        make_table(their_client)
        rates: list[float] = []
        moto_rates: list[float] = []
        for tenth in range(TENTHS):
            if tenth:  # moto gets slower with what it has
                their_client.delete_table(DatabaseName="d", Name="t")
                their_client.create_table(DatabaseName="d", TableInput={"Name": "t", "PartitionKeys": KEYS})
            moto_rates.append(FEW / create(their_client, range(FEW)))
            whole = range(tenth * partitions // TENTHS, (tenth + 1) * partitions // TENTHS, FEW)
            rates += [FEW / create(client, range(start, start + FEW)) for start in whole]
        ends = {"ours": (ours, client), "moto": (theirs, their_client)}
        found = {
            "moto_rates": moto_rates,
            "rates": rates,
            "without_index": get(ends, keys, repeat),
            "index_seconds": index(client),
        }
        found["with_index"] = get(ends, keys, repeat)
        found["bytes"] = sum(path.stat().st_size for path in workspace.state.glob("state.db*"))
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--partitions", type=int, default=1_000_000, help="a multiple of 100,000")
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args(arguments)
    found = measure(options.partitions, options.repeat)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    rates, theirs = found["rates"], found["moto_rates"]
    each = len(rates) // TENTHS
    tenths = [statistics.median(rates[start : start + each]) for start in range(0, len(rates), each)]
    ratios = [mine / other for mine, other in zip(tenths, theirs, strict=True)]
    for what, values in (("ours", tenths), ("moto", theirs)):
        print(
            f"BatchCreatePartition, partitions a second, by tenths, {what}: {' '.join(f'{one:.0f}' for one in values)}"
        )
    print(f"median ÷ moto's: {statistics.median(ratios):.2f} (aim ≥ 0.8); last tenth ÷ first, each ÷ moto's beside it: "
          f"{ratios[-1] / ratios[0]:.2f}, bare {tenths[-1] / tenths[0]:.2f} (aim: flat)")  # fmt: skip
    print(f"the index was ACTIVE after {found['index_seconds']:.0f} s; state {found['bytes'] / 2**20:.0f} MiB")
    title = f"GetPartitions, {options.partitions:,}"
    print(f"{title:26} {'ms':>7} {'moto ms':>8} {'ratio':>6} {'by boto3':>9}; aim ≤ 0.1")
    for name in ("without_index", "with_index"):
        mine, other = found[name]["ours"], found[name]["moto"]
        print(f"{name:26} {mine['ms']:7.1f} {other['ms']:8.1f} {mine['ms'] / other['ms']:6.3f} "
              f"{mine['boto3_ms'] / other['boto3_ms']:9.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
