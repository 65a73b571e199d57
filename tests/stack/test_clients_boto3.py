"""boto3 on the real stack through the one AWS_ENDPOINT_URL: paginators, waiters, typed exceptions, presigned URLs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.conftest import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def session(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    return boto3.Session()


@pytest.fixture
def bucket(session: boto3.Session) -> Iterator[Any]:
    """A bucket of the test's own, by boto3's resource, as many programs have it."""
    made = session.resource("s3").Bucket(f"boto3-{uuid4().hex}")
    made.create()
    made.wait_until_exists()
    yield made
    made.objects.all().delete()
    made.delete()
    made.wait_until_not_exists()


def test_paginators_of_glue(session: boto3.Session) -> None:
    glue, name = session.client("glue"), f"boto3_{uuid4().hex}"
    glue.create_database(DatabaseInput={"Name": name})
    try:
        table = {"Name": "t", "PartitionKeys": [{"Name": "n", "Type": "int"}]}
        glue.create_table(DatabaseName=name, TableInput=table)
        inputs = [{"Values": [str(number)]} for number in range(50)]
        glue.batch_create_partition(DatabaseName=name, TableName="t", PartitionInputList=inputs)
        for number in range(5):
            glue.update_table(DatabaseName=name, TableInput=table | {"Description": str(number)})
            glue.create_table(DatabaseName=name, TableInput={"Name": f"u{number}"})

        def pages(operation: str, size: int, **request: Any) -> list[dict[str, Any]]:
            found = glue.get_paginator(operation).paginate(**request, PaginationConfig={"PageSize": size})
            return list(found)

        partitions = pages("get_partitions", 20, DatabaseName=name, TableName="t")
        assert [len(page["Partitions"]) for page in partitions] == [20, 20, 10]
        some = pages("get_partitions", 2, DatabaseName=name, TableName="t", Expression="n BETWEEN 3 AND 7")
        assert sorted(int(one["Values"][0]) for page in some for one in page["Partitions"]) == [3, 4, 5, 6, 7]
        assert [len(page["TableList"]) for page in pages("get_tables", 4, DatabaseName=name)] == [4, 2]
        versions = pages("get_table_versions", 4, DatabaseName=name, TableName="t")
        assert [one["VersionId"] for page in versions for one in page["TableVersions"]] == list("543210")
        assert name in [one["Name"] for page in pages("get_databases", 1) for one in page["DatabaseList"]]
        # Where a paginator stopped, another one goes on.
        first = glue.get_paginator("get_tables").paginate(DatabaseName=name, PaginationConfig={"MaxItems": 4})
        token = first.build_full_result()["NextToken"]
        config = {"StartingToken": token}
        rest = glue.get_paginator("get_tables").paginate(DatabaseName=name, PaginationConfig=config).build_full_result()
        assert [one["Name"] for one in rest["TableList"]] == ["u3", "u4"]
    finally:
        glue.delete_database(Name=name)


def test_typed_exceptions(session: boto3.Session, bucket: Any) -> None:
    glue, iam, s3 = (session.client(service) for service in ("glue", "iam", "s3"))
    lake = session.client("lakeformation")
    name = f"boto3_{uuid4().hex}"
    with pytest.raises(glue.exceptions.EntityNotFoundException) as caught:
        glue.get_table(DatabaseName=name, Name="none")
    assert caught.value.response["Message"] == caught.value.response["Error"]["Message"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    glue.create_database(DatabaseInput={"Name": name})
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": name})
    with pytest.raises(glue.exceptions.InvalidInputException):
        glue.get_databases(NextToken="not one of ours")
    glue.delete_database(Name=name)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)
    with pytest.raises(lake.exceptions.EntityNotFoundException):
        lake.get_lf_tag(TagKey=name)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket.name, Key="none")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket=f"none-{uuid4().hex}")
    s3.create_bucket(Bucket=bucket.name)  # one's own again: no error in us-east-1, as on AWS
    elsewhere = session.client("s3", region_name="eu-central-1")
    with pytest.raises(elsewhere.exceptions.BucketAlreadyOwnedByYou):
        elsewhere.create_bucket(Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket.name, Key="none")


def test_paginators_and_waiters_of_s3(session: boto3.Session, bucket: Any) -> None:
    s3 = session.client("s3")
    for number in range(7):
        bucket.put_object(Key=f"folder{number % 2}/k{number}", Body=b"x")

    def pages(**request: Any) -> list[dict[str, Any]]:
        return list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, **request))

    assert [page["KeyCount"] for page in pages(PaginationConfig={"PageSize": 3})] == [3, 3, 1]
    folders = [one["Prefix"] for page in pages(Delimiter="/") for one in page["CommonPrefixes"]]
    assert folders == ["folder0/", "folder1/"]
    assert len(list(bucket.objects.filter(Prefix="folder1/"))) == 3
    late = threading.Timer(0.2, bucket.put_object, kwargs={"Key": "late", "Body": b"now"})
    late.start()
    s3.get_waiter("object_exists").wait(Bucket=bucket.name, Key="late", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    late.join()
    bucket.Object("late").delete()
    s3.get_waiter("object_not_exists").wait(Bucket=bucket.name, Key="late")
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        s3.get_waiter("object_exists").wait(Bucket=bucket.name, Key="none", WaiterConfig={"MaxAttempts": 1})


def test_presigned_urls(session: boto3.Session, bucket: Any) -> None:
    """Anybody who has the URL may do what it says, and no more, by the endpoint's address."""
    s3 = session.client("s3")

    def url(operation: str, **request: Any) -> str:
        made = s3.generate_presigned_url(operation, Params={"Bucket": bucket.name, **request}, ExpiresIn=60)
        assert made.startswith(s3.meta.endpoint_url)
        return str(made)

    with httpx.Client(trust_env=False) as anybody:
        assert anybody.put(url("put_object", Key="a b"), content=b"content").status_code == 200
        read = url("get_object", Key="a b", ResponseContentType="text/x-own")
        answer = anybody.get(read, headers={"Range": "bytes=0-2"})
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (206, b"con", "text/x-own")
        assert anybody.put(read, content=b"other").status_code == 403
        assert anybody.get(read.replace("a%20b", "c")).status_code == 403
        form = s3.generate_presigned_post(bucket.name, "posted", ExpiresIn=60)
        posted = anybody.post(form["url"], data=form["fields"], files={"file": b"by a form"})
        assert posted.status_code == 204, posted.text
        assert anybody.delete(url("delete_object", Key="a b")).status_code == 204
    assert [one.key for one in bucket.objects.all()] == ["posted"]
    assert bucket.Object("posted").get()["Body"].read() == b"by a form"
