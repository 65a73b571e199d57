"""The AWS CLI on the real stack: a command of every family that is served, and S3 through the one AWS_ENDPOINT_URL.

The CLI's own driver runs in this process, so that it reads the services' models once; tests/wire starts the program.
"""

from __future__ import annotations

import io
import json
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from awscli.clidriver import create_clidriver
from botocore import xform_name

from lakelet.aws.directory import Directory
from tests.conftest import Stack

pytestmark = pytest.mark.stack
MIB = 1024 * 1024
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "glue:Get*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}],
}
AVRO = '{"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}'
MORE = AVRO.replace("]", ', {"name": "b", "type": "int", "default": 1}]')


class Cli:
    """Runs commands, and remembers which; a mapping among the arguments is handed over as JSON."""

    def __init__(self) -> None:
        self.driver = create_clidriver()
        self.called: set[tuple[str, str]] = set()

    def run(self, *arguments: Any) -> tuple[int, str, str]:
        """The exit code, and what was said on stdout and stderr."""
        self.called.add(arguments[:2])
        said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        complaints = io.StringIO()
        argv = [one if isinstance(one, str) else json.dumps(one) for one in arguments]
        with redirect_stdout(said), redirect_stderr(complaints):
            try:
                code = self.driver.main(argv)
            except SystemExit as error:
                code = int(error.code or 0)
        said.flush()
        return code, said.buffer.getvalue().decode(), complaints.getvalue()

    def __call__(self, *arguments: Any) -> Any:
        code, said, complaints = self.run(*arguments)
        assert code == 0, (arguments, complaints)
        return json.loads(said) if said.strip() else {}


@pytest.fixture(scope="module")
def aws(stack: Stack) -> Iterator[Cli]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL_S3")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_PAGER", "")
        patch.setenv("AWS_DEFAULT_OUTPUT", "json")
        yield Cli()


@pytest.fixture
def name() -> str:
    return f"cli_{uuid4().hex}"


def catalog(aws: Cli, name: str) -> None:
    def table(*arguments: Any) -> Any:
        return aws("glue", arguments[0], "--database-name", name, *arguments[1:])

    of_table = ("--table-name", "t")
    aws("glue", "create-database", "--database-input", f"Name={name},Description=by hand")
    assert aws("glue", "get-database", "--name", name)["Database"]["Description"] == "by hand"
    shape = {"Name": "t", "PartitionKeys": [{"Name": "day", "Type": "string"}],
             "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}]}}  # fmt: skip
    table("create-table", "--table-input", shape)
    table("update-table", "--table-input", shape | {"Description": "changed"})
    assert [one["Name"] for one in table("get-tables", "--expression", "t*")["TableList"]] == ["t"]
    assert len(table("get-table-versions", *of_table)["TableVersions"]) == 2
    table("delete-table-version", *of_table, "--version-id", "0")
    found = aws("glue", "search-tables", "--filters", f"Key=DatabaseName,Value={name}")["TableList"]
    assert [one["Description"] for one in found] == ["changed"]

    table("create-partition", *of_table, "--partition-input", {"Values": ["2024-01-01"]})
    several = [{"Values": [f"2024-01-0{day}"]} for day in range(1, 5)]
    made = table("batch-create-partition", *of_table, "--partition-input-list", several)
    assert [one["ErrorDetail"]["ErrorCode"] for one in made["Errors"]] == ["AlreadyExistsException"]
    # The CLI turns pages by itself, three partitions in three requests.
    late = table("get-partitions", *of_table, "--expression", "day > '2024-01-01'", "--page-size", "1")["Partitions"]
    assert [one["Values"] for one in late] == [["2024-01-02"], ["2024-01-03"], ["2024-01-04"]]
    table("create-partition-index", *of_table, "--partition-index", "Keys=day,IndexName=by_day")
    assert table("get-partition-indexes", *of_table)["PartitionIndexDescriptorList"][0]["IndexName"] == "by_day"
    numbers = {"ColumnName": "a", "ColumnType": "int", "AnalyzedTime": "2024-01-01T00:00:00Z", "StatisticsData": {
        "Type": "LONG", "LongColumnStatisticsData": {"NumberOfNulls": 1, "NumberOfDistinctValues": 2}}}  # fmt: skip
    table("update-column-statistics-for-table", *of_table, "--column-statistics-list", [numbers])
    (statistics,) = table("get-column-statistics-for-table", *of_table, "--column-names", "a")["ColumnStatisticsList"]
    assert statistics["StatisticsData"] == numbers["StatisticsData"]
    table("create-column-statistics-task-settings", *of_table, "--role", "r", "--sample-size", "50")
    settings = table("get-column-statistics-task-settings", *of_table)["ColumnStatisticsTaskSettings"]
    assert (settings["Role"], settings["SampleSize"]) == ("r", 50.0)
    table("start-column-statistics-task-run", *of_table, "--role", "r")
    assert table("get-column-statistics-task-runs", *of_table)["ColumnStatisticsTaskRuns"][0]["Role"] == "r"
    optimizer = f"catalogId=123456789012,databaseName={name},tableName=t,type=compaction"
    (failure,) = aws("glue", "batch-get-table-optimizer", "--entries", optimizer)["Failures"]
    assert failure["error"]["ErrorCode"] == "EntityNotFoundException"
    function = "FunctionName=f,ClassName=a.B,OwnerName=me,OwnerType=USER"
    table("create-user-defined-function", "--function-input", function)
    assert table("get-user-defined-functions", "--pattern", "*")["UserDefinedFunctions"][0]["ClassName"] == "a.B"
    arn = f"arn:aws:glue:us-east-1:123456789012:database/{name}"
    aws("glue", "tag-resource", "--resource-arn", arn, "--tags-to-add", "team=flights")
    assert aws("glue", "get-tags", "--resource-arn", arn)["Tags"] == {"team": "flights"}

    code, _, said = aws.run("glue", "get-table", "--database-name", name, "--name", "none")
    assert code != 0 and "(EntityNotFoundException) when calling the GetTable operation" in said


def beside_the_catalog(aws: Cli, name: str) -> None:
    text = {"ConnectionType": "JDBC", "ConnectionProperties": {"PASSWORD": "secret", "USERNAME": "me",
            "JDBC_CONNECTION_URL": "jdbc:postgresql://127.0.0.1:1/none"}, "Name": name}  # fmt: skip
    assert "JDBC" in [one["ConnectionType"] for one in aws("glue", "list-connection-types")["ConnectionTypes"]]
    aws("glue", "create-connection", "--connection-input", text)
    shown = aws("glue", "get-connection", "--name", name, "--hide-password")["Connection"]["ConnectionProperties"]
    assert shown["USERNAME"] == "me" and "PASSWORD" not in shown
    aws("glue", "delete-connection", "--connection-name", name)
    aws("glue", "create-classifier", "--csv-classifier", f"Name={name},Delimiter=;")
    assert aws("glue", "get-classifier", "--name", name)["Classifier"]["CsvClassifier"]["Delimiter"] == ";"
    aws("glue", "delete-classifier", "--name", name)
    crawler = ("--crawler-name", name)
    targets = {"S3Targets": [{"Path": f"s3://bronze/{name}/"}]}
    aws("glue", "create-crawler", "--name", name, "--role", "crawler", "--database-name", name, "--targets", targets)
    aws("glue", "update-crawler-schedule", *crawler, "--schedule", "cron(15 12 1 1 ? 2099)")
    assert aws("glue", "get-crawler", "--name", name)["Crawler"]["Schedule"]["State"] == "SCHEDULED"
    assert aws("glue", "list-crawls", *crawler)["Crawls"] == []
    aws("glue", "delete-crawler", "--name", name)
    aws("glue", "create-catalog", "--name", name[:60], "--catalog-input", "Description=beside")
    beside = ("--catalog-id", f"123456789012:{name[:60]}")
    aws("glue", "create-database", *beside, "--database-input", "Name=d")
    assert [one["Name"] for one in aws("glue", "get-databases", *beside)["DatabaseList"]] == ["d"]
    aws("glue", "delete-catalog", *beside)
    aws("glue", "list-jobs")
    aws("glue", "get-data-catalog-encryption-settings")
    aws("glue", "get-resource-policies")
    aws("glue", "get-security-configurations")


def registry(aws: Cli, name: str) -> None:
    registry_id, schema = ("--registry-id", f"RegistryName={name}"), f"RegistryName={name},SchemaName=s"
    aws("glue", "create-registry", "--registry-name", name)
    aws("glue", "create-schema", *registry_id, "--schema-name", "s", "--data-format", "AVRO",
        "--compatibility", "BACKWARD", "--schema-definition", AVRO)  # fmt: skip
    added = aws("glue", "register-schema-version", "--schema-id", schema, "--schema-definition", MORE)
    assert (added["VersionNumber"], added["Status"]) == (2, "AVAILABLE")
    pair = "MetadataKey=by,MetadataValue=me"
    version = ("--schema-version-id", added["SchemaVersionId"])
    aws("glue", "put-schema-version-metadata", *version, "--metadata-key-value", pair)
    assert "by" in aws("glue", "query-schema-version-metadata", *version)["MetadataInfoMap"]
    assert [one["SchemaName"] for one in aws("glue", "list-schemas", *registry_id)["Schemas"]] == ["s"]
    aws("glue", "delete-schema", "--schema-id", schema)
    aws("glue", "delete-registry", *registry_id)


def identity(aws: Cli, name: str, folder: Path) -> None:
    user, policy = ("--user-name", name), ("--policy-document", POLICY)
    assert aws("sts", "get-caller-identity")["Account"] == "123456789012"
    aws("iam", "create-user", *user, "--tags", "Key=team,Value=flights")
    assert aws("iam", "list-user-tags", *user)["Tags"] == [{"Key": "team", "Value": "flights"}]
    key = aws("iam", "create-access-key", *user)["AccessKey"]
    aws("iam", "delete-access-key", *user, "--access-key-id", key["AccessKeyId"])
    aws("iam", "put-user-policy", *user, "--policy-name", "own", *policy)
    assert aws("iam", "list-user-policies", *user)["PolicyNames"] == ["own"]
    arn = aws("iam", "create-policy", "--policy-name", name, *policy)["Policy"]["Arn"]
    aws("iam", "attach-user-policy", *user, "--policy-arn", arn)
    who = ("--policy-source-arn", f"arn:aws:iam::123456789012:user/{name}")
    tried = aws("iam", "simulate-principal-policy", *who, "--action-names", "glue:GetTable", "glue:DeleteTable")
    assert [one["EvalDecision"] for one in tried["EvaluationResults"]] == ["allowed", "implicitDeny"]
    aws("iam", "detach-user-policy", *user, "--policy-arn", arn)
    aws("iam", "delete-policy", "--policy-arn", arn)
    aws("iam", "delete-user-policy", *user, "--policy-name", "own")
    aws("iam", "delete-user", *user)
    aws("iam", "create-group", "--group-name", name)
    aws("iam", "delete-group", "--group-name", name)
    aws("iam", "get-account-summary")
    role = aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUST)["Role"]["Arn"]
    assumed = aws("sts", "assume-role", "--role-arn", role, "--role-session-name", "cli")
    assert assumed["AssumedRoleUser"]["Arn"].endswith(f"assumed-role/{name}/cli")
    aws("iam", "delete-role", "--role-name", name)
    federation(aws, name, folder)


def federation(aws: Cli, name: str, folder: Path) -> None:
    """What others vouch for; their tokens and assertions are tested in tests/wire."""
    device = ("--serial-number", f"arn:aws:iam::123456789012:mfa/{name}")
    aws("iam", "create-virtual-mfa-device", "--virtual-mfa-device-name", name, "--outfile", str(folder / "seed"),
        "--bootstrap-method", "Base32StringSeed")  # fmt: skip
    devices = aws("iam", "list-virtual-mfa-devices")["VirtualMFADevices"]
    assert device[1] in [one["SerialNumber"] for one in devices]
    aws("iam", "delete-virtual-mfa-device", *device)
    issuer = ("--url", f"https://{name.replace('_', '-')}.example.com", "--client-id-list", "cli")
    arn = aws("iam", "create-open-id-connect-provider", *issuer)["OpenIDConnectProviderArn"]
    provider = ("--open-id-connect-provider-arn", arn)
    assert aws("iam", "get-open-id-connect-provider", *provider)["ClientIDList"] == ["cli"]
    aws("iam", "delete-open-id-connect-provider", *provider)
    assert isinstance(aws("iam", "list-saml-providers")["SAMLProviderList"], list)
    aws("iam", "enable-outbound-web-identity-federation")
    told = aws("sts", "get-web-identity-token", "--audience", "cli", "--signing-algorithm", "ES384")
    assert told["WebIdentityToken"].count(".") == 2
    aws("iam", "disable-outbound-web-identity-federation")
    assert set(aws("sts", "get-session-token")["Credentials"]) >= {"SessionToken", "Expiration"}
    who = ("--role-arn", f"arn:aws:iam::123456789012:role/{name}")
    idp = ("--principal-arn", f"arn:aws:iam::123456789012:saml-provider/{name}")
    code, _, said = aws.run("sts", "assume-role-with-saml", *who, *idp, "--saml-assertion", "bm9uZQ==")
    assert code != 0 and "(InvalidIdentityToken) when calling the AssumeRoleWithSAML operation" in said


def lake_formation(aws: Cli, name: str) -> None:
    who = ("--principal", "DataLakePrincipalIdentifier=arn:aws:iam::123456789012:role/reader")
    table = {"Table": {"DatabaseName": name, "Name": "t"}}
    aws("lakeformation", "grant-permissions", *who, "--resource", table, "--permissions", "SELECT")
    granted = aws("lakeformation", "list-permissions", *who, "--resource", table)["PrincipalResourcePermissions"]
    assert [one["Permissions"] for one in granted] == [["SELECT"]]
    aws("lakeformation", "revoke-permissions", *who, "--resource", table, "--permissions", "SELECT")
    aws("lakeformation", "create-lf-tag", "--tag-key", name, "--tag-values", "a", "b")
    assert aws("lakeformation", "get-lf-tag", "--tag-key", name)["TagValues"] == ["a", "b"]
    aws("lakeformation", "delete-lf-tag", "--tag-key", name)
    aws("lakeformation", "list-data-cells-filter", "--table", {"DatabaseName": name, "Name": "t",
        "CatalogId": "123456789012"})  # fmt: skip
    whole = aws("glue", "get-unfiltered-table-metadata", "--catalog-id", "123456789012", "--database-name", name,
                "--name", "t", "--supported-permission-types", "COLUMN_PERMISSION")  # fmt: skip
    assert whole["AuthorizedColumns"] == ["a", "day"]
    assert "DataLakeAdmins" in aws("lakeformation", "get-data-lake-settings")["DataLakeSettings"]


def test_every_family_that_is_served(aws: Cli, name: str, tmp_path: Path) -> None:
    catalog(aws, name)
    beside_the_catalog(aws, name)
    registry(aws, name)
    identity(aws, name, tmp_path)
    lake_formation(aws, name)
    aws("glue", "delete-database", "--name", name)
    families: dict[str, set[tuple[str, str]]] = {}
    for service in Directory.served().all():
        for operation in service.operations.values():
            command = (service.name, xform_name(operation.model.name, "-"))
            families.setdefault(operation.function.__module__, set()).add(command)
    missed = sorted(family for family, commands in families.items() if not commands & aws.called)
    assert missed == []


def test_objects(aws: Cli, name: str, tmp_path: Path) -> None:
    """Through the control process's address: nothing tells the CLI of MinIO's."""
    root, local = f"s3://bronze/{name}", tmp_path / "local"
    (local / "sub").mkdir(parents=True)
    (local / "sub" / "small é.txt").write_text("small")
    large = bytes(range(256)) * (20 * MIB // 256)  # three parts
    (local / "large.bin").write_bytes(large)
    try:
        aws.run("s3", "cp", "--quiet", str(local / "large.bin"), f"{root}/large.bin")
        listed = aws.run("s3", "ls", f"{root}/")[1]
        assert listed.split()[-2:] == [str(len(large)), "large.bin"]
        head = aws("s3api", "head-object", "--bucket", "bronze", "--key", f"{name}/large.bin")
        assert head["ETag"].strip('"').endswith("-3")
        assert aws.run("s3", "cp", "--quiet", f"{root}/large.bin", str(tmp_path / "back"))[0] == 0
        assert (tmp_path / "back").read_bytes() == large
        assert aws.run("s3", "sync", str(local), f"{root}/copy")[0] == 0
        assert aws.run("s3", "sync", str(local), f"{root}/copy") == (0, "", "")  # nothing is left to do
        assert aws.run("s3", "sync", "--quiet", f"{root}/copy", str(tmp_path / "synced"))[0] == 0
        assert (tmp_path / "synced" / "sub" / "small é.txt").read_text() == "small"
        url = aws.run("s3", "presign", f"{root}/copy/sub/small é.txt", "--expires-in", "60")[1].strip()
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"small"
    finally:
        code, removed, _ = aws.run("s3", "rm", "--recursive", f"{root}/")
    assert code == 0 and len(removed.splitlines()) == 3
    assert aws.run("s3", "ls", f"{root}/")[0] == 1
