"""The object store of the class-data archive's training answers as S3 does what S3A asks."""

from __future__ import annotations

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from lakelet.stack.training_store import store


def test_objects_are_kept_listed_copied_and_deleted() -> None:
    with store() as address:
        client = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip
        for key in ("a/1 & 2", "a/b/3", "c"):
            client.put_object(Bucket="training", Key=key, Body=key.encode() * 3)
        assert client.get_object(Bucket="training", Key="a/1 & 2", Range="bytes=2-5")["Body"].read() == b"1 & "
        assert client.head_object(Bucket="training", Key="c")["ContentLength"] == 3
        client.copy_object(Bucket="training", Key="d", CopySource={"Bucket": "training", "Key": "a/b/3"})
        assert client.get_object(Bucket="training", Key="d")["Body"].read() == b"a/b/3" * 3
        listed = client.list_objects_v2(Bucket="training", Prefix="a/", Delimiter="/")
        assert [one["Key"] for one in listed["Contents"]] == ["a/1 & 2"]
        assert [one["Prefix"] for one in listed["CommonPrefixes"]] == ["a/b/"]
        client.delete_object(Bucket="training", Key="c")
        client.delete_objects(Bucket="training", Delete={"Objects": [{"Key": "a/b/3"}]})
        assert [one["Key"] for one in client.list_objects_v2(Bucket="training")["Contents"]] == ["a/1 & 2", "d"]
        with pytest.raises(botocore.exceptions.ClientError, match="404"):
            client.head_object(Bucket="training", Key="c")
