"""MinIO: the object store. Its root user is the workspace's key pair."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from lakelet.data.zones import PRIVATE_PREFIX, ZONES
from lakelet.stack import markers
from lakelet.stack.component import Component, NotReadyError, Plan, base_environment, request
from lakelet.stack.parts import MINIO, parts
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

NAME = MINIO
MEMORY_LIMIT = "512MiB"  # soft: Go's collector works harder near it


def component(plan: Plan) -> Component:
    """The MinIO server, or the external endpoint that the setting ``s3_endpoint`` names."""
    workspace = plan.workspace
    external = workspace.settings.text("s3_endpoint")
    endpoint = external or plan.address("minio_port")
    # Without MINIO_REGION it takes signatures for any region, as the other services here do.
    environment = base_environment(workspace, NAME) | {
        "MINIO_ROOT_USER": secret(workspace, "access_key"),
        "MINIO_ROOT_PASSWORD": secret(workspace, "secret_key"),
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
        "GOMEMLIMIT": MEMORY_LIMIT,
    }
    addresses = ("minio_port", "minio_console_port")
    own = [urlsplit(plan.address(port)).netloc for port in addresses] if not external else ["", ""]
    argv = [str(workspace.cache.minio), "server", "--quiet", "--address", own[0], "--console-address", own[1]]
    return Component(
        NAME,
        endpoint,
        [] if external else [*argv, str(workspace.state / "minio")],
        lambda: probe(workspace, endpoint),
        environment,
        obstacle=partial(obstacle, workspace),
    )


def obstacle(workspace: Workspace) -> str:
    """What keeps MinIO from being started: its binary is still to be built, as long as the cache lacks it."""
    if all(markers.installed(workspace.cache.root, part) for part in parts(workspace) if part.name == NAME):
        return ""
    return "minio is not installed yet: it starts as soon as it is. `lakelet up` installs it and waits."


def probe(workspace: Workspace, endpoint: str) -> None:
    """Make the lake's buckets; write, read and delete an object in the first."""
    for bucket in ZONES:
        if (status := _signed(workspace, "PUT", f"{endpoint}/{bucket}")[0]) not in (200, 409):
            raise NotReadyError(f"creating the bucket {bucket} answered {status}")
    url, content = f"{endpoint}/{ZONES[0]}/{PRIVATE_PREFIX}probe", b"lakelet"
    put, _ = _signed(workspace, "PUT", url, content)
    got, answer = _signed(workspace, "GET", url)
    if (put, got, answer) != (200, 200, content):
        raise NotReadyError(f"writing and reading an object answered {put} and {got}")
    _signed(workspace, "DELETE", url)


def _signed(workspace: Workspace, method: str, url: str, body: bytes = b"") -> tuple[int, bytes]:
    from botocore.auth import S3SigV4Auth  # the signer alone: boto3 would cost the supervisor 60 MB
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    keys = Credentials(secret(workspace, "access_key"), secret(workspace, "secret_key"))
    unsigned = AWSRequest(method=method, url=url, data=body)
    S3SigV4Auth(keys, "s3", workspace.settings.text("region")).add_auth(unsigned)
    return request(method, url, body, dict(unsigned.headers.items()))
