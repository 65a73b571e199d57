"""S3 through the endpoint: one AWS_ENDPOINT_URL is enough, whatever an SDK does with objects."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import psutil
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lakelet.stack.record import read_record
from lakelet.workspace.secrets import secret
from tests.clients import aws_client
from tests.conftest import Stack, eventually

BUCKET = "bronze"
MIB = 1024 * 1024


def client(stack: Stack, endpoint: str = "control", **config: Any) -> Any:
    keys = (secret(stack.workspace, "access_key"), secret(stack.workspace, "secret_key"))
    config = {"retries": {"max_attempts": 0}, "proxies": {}, **config}
    session = boto3.Session(*keys, region_name=config.pop("region_name", "us-east-1"))
    return session.client("s3", endpoint_url=stack.workspace.endpoint(endpoint), config=Config(**config))


@pytest.fixture
def s3(stack: Stack) -> Any:
    return client(stack)


@pytest.fixture
def prefix(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """A prefix of the test's own, emptied afterwards."""
    name = f"endpoint/{request.node.name}/"
    yield name
    direct = client(stack, "s3")
    for item in direct.list_objects_v2(Bucket=BUCKET, Prefix=name).get("Contents", []):
        direct.delete_object(Bucket=BUCKET, Key=item["Key"])


@pytest.mark.parametrize("name", ["plain", "with space+plus", "é✈", "a%2Fb", "~_-.!*'()", "q?x=1&y#z"])
def test_keys_of_every_kind(s3: Any, stack: Stack, prefix: str, name: str) -> None:
    """Path and Host go through as they were signed."""
    s3.put_object(Bucket=BUCKET, Key=prefix + name, Body=b"content", Metadata={"who": "me"})
    assert client(stack, "s3").get_object(Bucket=BUCKET, Key=prefix + name)["Body"].read() == b"content"
    found = s3.get_object(Bucket=BUCKET, Key=prefix + name)
    assert (found["Body"].read(), found["Metadata"]) == (b"content", {"who": "me"})
    head = s3.head_object(Bucket=BUCKET, Key=prefix + name)
    assert (head["ContentLength"], head["ETag"]) == (7, found["ETag"])
    assert name in [
        item["Key"].removeprefix(prefix) for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    ]
    s3.delete_object(Bucket=BUCKET, Key=prefix + name)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=BUCKET, Key=prefix + name)


@pytest.mark.parametrize("region", ["eu-central-1", "us-west-2"])
def test_clients_of_other_regions_share_the_buckets(stack: Stack, s3: Any, prefix: str, region: str) -> None:
    place = {"Bucket": BUCKET, "Key": prefix + "o"}
    for address in ("control", "s3"):
        abroad = client(stack, address, region_name=region, signature_version="s3v4")
        abroad.put_object(**place, Body=region.encode())
        assert s3.get_object(**place)["Body"].read() == region.encode()
        assert httpx.get(abroad.generate_presigned_url("get_object", Params=place)).content == region.encode()
    made = f"made-in-{region}"
    abroad.create_bucket(Bucket=made, CreateBucketConfiguration={"LocationConstraint": region})
    assert made in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket=made)


def test_a_bucket_of_ones_own_is_created_again_in_us_east_1_alone(stack: Stack, s3: Any) -> None:
    for _ in range(2):
        assert s3.create_bucket(Bucket="own-again")["Location"] == "/own-again"
    s3.put_bucket_versioning(Bucket="own-again", VersioningConfiguration={"Status": "Suspended"})
    elsewhere = {"LocationConstraint": "eu-central-1"}
    with pytest.raises(ClientError, match="BucketAlreadyOwnedByYou"):
        abroad = client(stack, region_name="eu-central-1")
        abroad.create_bucket(Bucket="own-again", CreateBucketConfiguration=elsewhere)
    s3.delete_bucket(Bucket="own-again")


def test_ranges_and_conditions(s3: Any, prefix: str) -> None:
    body = os.urandom(3 * MIB)
    etag = s3.put_object(Bucket=BUCKET, Key=prefix + "o", Body=body)["ETag"]
    part = s3.get_object(Bucket=BUCKET, Key=prefix + "o", Range=f"bytes={MIB}-{2 * MIB}")
    assert part["Body"].read() == body[MIB : 2 * MIB + 1] and part["ContentRange"] == f"bytes {MIB}-{2 * MIB}/{3 * MIB}"
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key=prefix + "o", IfNoneMatch=etag)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=BUCKET, Key=prefix + "o", Body=b"", IfNoneMatch="*")


def test_multipart_and_many_at_once(s3: Any, prefix: str, tmp_path: Any) -> None:
    """boto3's transfers, in parts and threads."""
    content = os.urandom(20 * MIB + 17)
    (tmp_path / "up").write_bytes(content)
    s3.upload_file(str(tmp_path / "up"), BUCKET, prefix + "big")
    s3.download_file(BUCKET, prefix + "big", str(tmp_path / "down"))
    assert hashlib.sha256((tmp_path / "down").read_bytes()).digest() == hashlib.sha256(content).digest()
    begun = s3.create_multipart_upload(Bucket=BUCKET, Key=prefix + "aborted")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=prefix + "aborted", UploadId=begun, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket=BUCKET, Key=prefix + "aborted", UploadId=begun)
    copied = s3.copy_object(Bucket=BUCKET, Key=prefix + "copy", CopySource={"Bucket": BUCKET, "Key": prefix + "big"})
    assert copied["CopyObjectResult"]["ETag"]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned(stack: Stack, prefix: str, version: str) -> None:
    s3 = client(stack, signature_version=version)
    place = {"Bucket": BUCKET, "Key": prefix + "né w"}
    assert httpx.put(s3.generate_presigned_url("put_object", place), content=b"presigned").status_code == 200
    url = s3.generate_presigned_url("get_object", place)
    assert httpx.get(url).content == b"presigned"
    changed = httpx.get(url.replace("w?", "x?"))
    assert changed.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in changed.text
    form = s3.generate_presigned_post(BUCKET, prefix + "form")
    posted = httpx.post(form["url"], data=form["fields"], files={"file": b"posted"})
    assert posted.status_code == 204, posted.text
    assert s3.get_object(Bucket=BUCKET, Key=prefix + "form")["Body"].read() == b"posted"


def test_a_checksum_that_trails_its_body(stack: Stack, s3: Any, prefix: str) -> None:
    """aws-chunked, as SDKs stream a body that they read once; with the length given, and as HTTP chunks without one."""
    body = os.urandom(300_000)
    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    half = len(body) // 2
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:], b"") if part)
    framed += f"0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
    keys = Credentials(secret(stack.workspace, "access_key"), secret(stack.workspace, "secret_key"))

    def put(key: str, content: Any, sent: bytes) -> httpx.Response:
        url = f"{stack.workspace.endpoint('control')}/{BUCKET}/{prefix}{key}"
        headers = {
            "content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(body)),
            "x-amz-trailer": "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm": "CRC32",
        }  # fmt: skip
        request = AWSRequest("PUT", url, headers=headers, data=sent)
        request.context["checksum"] = {"request_algorithm": {"in": "trailer", "name": "x-amz-checksum-crc32"}}
        S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
        return httpx.put(url, headers=dict(request.headers), content=content)

    for key, content in (("length", framed), ("chunks", iter([framed[:1000], framed[1000:]]))):
        answer = put(key, content, framed)
        assert answer.status_code == 200, answer.text
        assert s3.get_object(Bucket=BUCKET, Key=prefix + key)["Body"].read() == body
    wrong = framed.replace(checksum.encode(), b"AAAAAA==")
    assert put("wrong", wrong, wrong).status_code == 400
    s3.put_object(Bucket=BUCKET, Key=prefix + "header", Body=body, ChecksumAlgorithm="SHA256")
    assert s3.get_object(Bucket=BUCKET, Key=prefix + "header", ChecksumMode="ENABLED")["Body"].read() == body


def test_strangers_and_errors_are_minios(stack: Stack, s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket="none-such")
    session = boto3.Session("AKIANOBODY", "wrong", region_name="us-east-1")
    stranger = session.client("s3", endpoint_url=stack.workspace.endpoint("control"))
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.list_buckets()
    assert {item["Name"] for item in s3.list_buckets()["Buckets"]} >= {"bronze", "silver", "gold"}
    # Without a signature nothing says that it is S3.
    answer = httpx.get(f"{stack.workspace.endpoint('control')}/{BUCKET}/x")
    assert answer.status_code == 403 and answer.json()["__type"] == "MissingAuthenticationTokenException"


def test_one_endpoint_serves_everything(stack: Stack, s3: Any, prefix: str) -> None:
    """On one keep-alive connection, S3 and Glue in turn."""
    url = stack.workspace.endpoint("control")
    s3.put_object(Bucket=BUCKET, Key=prefix + "o", Body=b"x" * 1000)
    signed = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": prefix + "o"})
    caller = aws_client(stack.workspace, "sts").generate_presigned_url("get_caller_identity")
    with httpx.Client() as http:
        for _ in range(3):
            assert http.get(signed).content == b"x" * 1000
            assert "<Account>" in http.post(caller).text
            assert http.head(signed.replace("GET", "HEAD")).status_code in (200, 403)
            assert http.get(f"{url}/_lakelet/health").json() == {"status": "ok"}


def raw(stack: Stack, url: str, head: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=120)
    method, _, rest = head.partition(" ")
    connection.sendall(
        f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n{rest}\r\n\r\n".encode()
    )
    return connection


def control_memory(stack: Stack) -> int:
    record = read_record(stack.workspace)
    assert record is not None
    (pid,) = (component.pid for component in record.components if component.name == "control")
    return int(psutil.Process(pid).memory_info().rss)


def test_a_slow_reader_is_not_read_ahead_for(stack: Stack, s3: Any, prefix: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=prefix + "o", Body=bytes(128 * MIB))
    url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": prefix + "o"})
    before = control_memory(stack)
    slow = raw(stack, url, "GET Accept: */*")
    slow.recv(1024)
    aws_client(stack.workspace, "sts").get_caller_identity()  # others are served meanwhile
    assert control_memory(stack) - before < 64 * MIB
    slow.close()  # and leaving early costs nobody anything
    assert s3.get_object(Bucket=BUCKET, Key=prefix + "o", Range="bytes=0-3")["Body"].read() == bytes(4)


def test_an_upload_that_is_broken_off_leaves_nothing(stack: Stack, s3: Any, prefix: str) -> None:
    url = s3.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": prefix + "half"})
    connection = raw(stack, url, f"PUT Content-Length: {8 * MIB}")
    connection.sendall(bytes(3 * MIB))
    connection.close()
    for _ in range(10):
        assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)


def test_a_refusal_comes_before_the_body(stack: Stack, s3: Any) -> None:
    """With Expect: 100-continue a client need not send what would be refused."""
    url = s3.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": "endpoint/x"}).replace(
        "endpoint/x", "endpoint/y"
    )
    connection = raw(stack, url, f"PUT Expect: 100-continue\r\nContent-Length: {8 * MIB}")
    assert b" 403 " in connection.recv(4096)[:20]
    connection.close()


def test_the_object_store_may_be_down(stack: Stack, prefix: str) -> None:
    """AWS's own answer while MinIO is gone; and it is used again as soon as it is back."""
    s3 = client(stack, retries={"max_attempts": 0}, read_timeout=60)
    s3.put_object(Bucket=BUCKET, Key=prefix + "o", Body=bytes(64 * MIB))
    record = read_record(stack.workspace)
    assert record is not None
    (pid,) = (component.pid for component in record.components if component.name == "minio")
    seen: list[str] = []
    served: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                s3.get_object(Bucket=BUCKET, Key=prefix + "o")["Body"].read()
                served.append(1)
            except Exception as error:
                seen.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    assert eventually(lambda: served)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: [error for error in seen if "ServiceUnavailable" in error])
    assert eventually(lambda: s3.head_object(Bucket=BUCKET, Key=prefix + "o"))["ContentLength"] == 64 * MIB
    stop.set()
    asking.join(120)
    aws_client(stack.workspace, "sts").get_caller_identity()
