"""Services that are not served: SDKs see a 501 in their service's own protocol, which names the way here."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lakelet.aws.directory import served_names
from lakelet.aws.unserved import _NAMES, _WAYS, find_unserved
from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

JSON, XML = "NotImplementedException", "NotImplemented"


def refused(wire: Wire, service: str, operation: str, **parameters: Any) -> tuple[str, int, str]:
    client = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=wire.url,
        aws_access_key_id=secret(wire.workspace, "access_key"),
        aws_secret_access_key=secret(wire.workspace, "secret_key"),
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "code", "said"),
    [
        ("athena", "list_work_groups", JSON, "Lakelet does not serve Athena yet; use `lakelet sql`."),
        ("logs", "describe_log_groups", JSON, "Lakelet does not serve CloudWatch Logs yet; use `lakelet search`, or"),
        ("emr", "list_clusters", JSON, "Lakelet does not serve EMR yet; use `lakelet jobs submit`."),
        ("opensearch", "list_domain_names", JSON, "serve OpenSearch Service yet; talk to OpenSearch itself."),
        ("es", "list_domain_names", JSON, "serve OpenSearch Service yet; talk to OpenSearch itself."),
        ("firehose", "list_delivery_streams", JSON, "Lakelet does not serve Firehose."),
        ("kinesis", "list_streams", JSON, "Lakelet does not serve Kinesis."),
        ("dynamodb", "list_tables", JSON, "Lakelet does not serve DynamoDB."),
        ("lambda", "list_functions", JSON, "Lakelet does not serve Lambda."),
        ("stepfunctions", "list_state_machines", JSON, "Lakelet does not serve Step Functions."),
        ("events", "list_rules", JSON, "Lakelet does not serve EventBridge."),
        ("secretsmanager", "list_secrets", JSON, "Lakelet does not serve Secrets Manager."),
        ("cloudwatch", "list_metrics", JSON, "Lakelet does not serve CloudWatch."),
        ("sqs", "list_queues", JSON, "Lakelet does not serve SQS."),
        ("sns", "list_topics", XML, "Lakelet does not serve SNS."),
        ("route53", "list_hosted_zones", XML, "Lakelet does not serve Route 53."),
        ("ec2", "describe_instances", JSON, "Lakelet does not serve EC2."),
    ],
)
def test_a_service_that_is_not_served_is_named(wire: Wire, service: str, operation: str, code: str, said: str) -> None:
    found = refused(wire, service, operation)
    assert found[:2] == (code, 501) and said in found[2]


def test_the_boards_are_the_way_of_quicksight(wire: Wire) -> None:
    said = refused(wire, "quicksight", "list_dashboards", AwsAccountId="123456789012")[2]
    assert said == "Lakelet does not serve QuickSight yet; open the boards."


def test_an_operation_that_is_not_served_is_named(wire: Wire) -> None:
    code, status, said = refused(wire, "glue", "list_dev_endpoints")
    assert (code, status, said) == (JSON, 501, "Glue ListDevEndpoints is not served by Lakelet.")


def test_every_name_of_the_tables_is_a_service_that_is_not_served() -> None:
    for name in {*_NAMES, *_WAYS}:
        service = find_unserved(name)
        assert service is not None and service.name not in served_names(), name
