"""Deliver the sample orders to the lake, as another system would."""

import os
from pathlib import Path

import boto3

samples = Path(os.environ["LAKELET_PROJECT"], "data", "samples", "orders")
s3 = boto3.client("s3")
for path in sorted(samples.glob("*.csv")):
    s3.upload_file(str(path), "bronze", f"orders/{path.name}")
    print(f"s3://bronze/orders/{path.name}")
