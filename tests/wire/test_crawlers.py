"""Crawlers' definitions, schedules and histories by boto3. Nothing crawls here: runs stay WAITING."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def name(glue: Any) -> Iterator[str]:
    name = f"crawler-{uuid.uuid4().hex[:8]}"
    yield name
    for one in glue.list_crawlers(Tags={"of": name})["CrawlerNames"]:
        glue.delete_crawler(Name=one)


def create(glue: Any, name: str, **members: Any) -> None:
    target = {"S3Targets": [{"Path": "s3://b/x"}]}
    tags = {"of": name} | members.pop("Tags", {})
    glue.create_crawler(**{"Name": name, "Role": "r", "DatabaseName": "d", "Targets": target, "Tags": tags} | members)


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**members)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_a_crawler_is_what_it_was_made_of(glue: Any, name: str) -> None:
    glue.create_classifier(JsonClassifier={"Name": name, "JsonPath": "$[*]"})
    made = {
        "Targets": {
            "S3Targets": [{"Path": "s3://b/x", "Exclusions": ["**/tmp/**"], "SampleSize": 3}],
            "JdbcTargets": [{"ConnectionName": "c", "Path": "d/s/%", "EnableAdditionalMetadata": ["COMMENTS"]}],
        },
        "Classifiers": [name],
        "SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
        "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
        "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
        "Configuration": '{"Version":1.0,"Grouping":{"TableLevelConfiguration":2},"CreatePartitionIndex":true}',
    }
    create(glue, name, Schedule="cron(15 12 * * ? *)", **made)
    found = glue.get_crawler(Name=name)["Crawler"]
    assert {member: found[member] for member in made} == made
    assert found["Schedule"] == {"ScheduleExpression": "cron(15 12 * * ? *)", "State": "SCHEDULED"}
    glue.update_crawler(Name=name, Classifiers=[], Schedule="")
    found = glue.get_crawler(Name=name)["Crawler"]
    assert found["Classifiers"] == [] and "Schedule" not in found and found["Version"] == 2
    glue.delete_classifier(Name=name)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"Classifiers": ["nobody"]}, "InvalidInputException", "nobody"),
        ({"Schedule": "cron(15 12 * * * *)"}, "InvalidInputException", "cron"),
        ({"Schedule": "every day"}, "InvalidInputException", "cron"),
        ({"Schedule": "cron(0 0 1 1 ? 1999)"}, "InvalidInputException", "no time to come"),
        ({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}}, "InvalidInputException", "LOG"),
        ({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}}, "NotImplementedException", "EVENT"),
        ({"LineageConfiguration": {"CrawlerLineageSettings": "ENABLE"}}, "NotImplementedException", "ENABLE"),
        ({"Configuration": '{"Version":1.0,"Grouping":{"TableLevelConfiguration":0}}'}, "InvalidInputException", ""),
        (
            {"LakeFormationConfiguration": {"UseLakeFormationCredentials": True}},
            "NotImplementedException",
            "UseLakeFormationCredentials",
        ),
        ({"Configuration": '{"Version":1.0,"More":1}'}, "InvalidInputException", "More"),
        ({"Configuration": "[" * 100_000}, "InvalidInputException", "JSON"),
        ({"Targets": {}}, "InvalidInputException", "target"),
        ({"Targets": {"DynamoDBTargets": [{"Path": "t"}]}}, "NotImplementedException", "DynamoDBTargets"),
        ({"Targets": {"JdbcTargets": [{"Path": "d/%"}]}}, "InvalidInputException", "ConnectionName"),
        (
            {"Targets": {"CatalogTargets": [{"DatabaseName": "d", "Tables": ["t"]}]}},
            "InvalidInputException",
            "DeleteBehavior",
        ),
        ({"Tags": {"aws:x": "y"}}, "InvalidInputException", "aws:"),
    ],
)
def test_what_cannot_be_crawled_is_refused(glue: Any, name: str, changes: Any, code: str, said: str) -> None:
    got, message = refusal(lambda **members: create(glue, name, **members), **changes)
    assert got == code and said in message
    assert refusal(glue.get_crawler, Name=name)[0] == "EntityNotFoundException"


def test_what_a_crawler_lacks_is_said_when_it_is_started(glue: Any, name: str) -> None:
    tags, targets = {"of": name}, {"S3Targets": [{"Path": "s3://b/x"}]}
    glue.create_crawler(Name=name, Role="r", Targets=targets, Tags=tags)
    assert "DatabaseName" not in glue.get_crawler(Name=name)["Crawler"]
    code, said = refusal(glue.start_crawler, Name=name)
    assert code == "InvalidInputException" and "no DatabaseName" in said
    assert glue.get_crawler(Name=name)["Crawler"]["State"] == "READY"
    glue.update_crawler(Name=name, DatabaseName="d")
    glue.start_crawler(Name=name)
    glue.stop_crawler(Name=name)


def test_crawlers_are_found_by_their_tags(glue: Any, name: str) -> None:
    names = [f"{name}-{index}" for index in range(5)]
    for index, one in enumerate(names):
        create(glue, one, Tags={"of": name, "odd": str(index % 2)})
    assert glue.list_crawlers(Tags={"of": name})["CrawlerNames"] == names
    page = glue.list_crawlers(Tags={"of": name, "odd": "0"}, MaxResults=2)
    assert page["CrawlerNames"] == [names[0], names[2]]
    rest = glue.list_crawlers(Tags={"of": name, "odd": "0"}, MaxResults=2, NextToken=page["NextToken"])
    assert rest["CrawlerNames"] == [names[4]] and "NextToken" not in rest


def test_a_schedule_is_set_stopped_and_started(glue: Any, name: str) -> None:
    create(glue, name)
    assert refusal(glue.start_crawler_schedule, CrawlerName=name)[0] == "NoScheduleException"
    assert refusal(glue.stop_crawler_schedule, CrawlerName=name)[0] == "SchedulerNotRunningException"
    glue.update_crawler_schedule(CrawlerName=name, Schedule="cron(0 8 ? * MON-FRI *)")
    assert refusal(glue.start_crawler_schedule, CrawlerName=name)[0] == "SchedulerRunningException"
    glue.stop_crawler_schedule(CrawlerName=name)
    assert glue.get_crawler(Name=name)["Crawler"]["Schedule"]["State"] == "NOT_SCHEDULED"
    assert refusal(glue.stop_crawler_schedule, CrawlerName=name)[0] == "SchedulerNotRunningException"
    glue.start_crawler_schedule(CrawlerName=name)
    assert glue.get_crawler(Name=name)["Crawler"]["Schedule"]["State"] == "SCHEDULED"
    glue.update_crawler_schedule(CrawlerName=name)
    assert "Schedule" not in glue.get_crawler(Name=name)["Crawler"]
    for call in (glue.update_crawler_schedule, glue.start_crawler_schedule, glue.stop_crawler_schedule):
        assert refusal(call, CrawlerName="nobody")[0] == "EntityNotFoundException"


def test_a_history_is_filtered(glue: Any, name: str) -> None:
    create(glue, name)
    for _ in range(3):
        glue.start_crawler(Name=name)
        glue.stop_crawler(Name=name)
    crawls = glue.list_crawls(CrawlerName=name)["Crawls"]
    assert [crawl["State"] for crawl in crawls] == ["STOPPED"] * 3

    def listed(*filters: tuple[str, str, str], **more: Any) -> list[str]:
        given = [
            {"FieldName": field, "FilterOperator": operator, "FieldValue": value} for field, operator, value in filters
        ]
        return [crawl["CrawlId"] for crawl in glue.list_crawls(CrawlerName=name, Filters=given, **more)["Crawls"]]

    ids = [crawl["CrawlId"] for crawl in crawls]
    middle = str(int(crawls[1]["StartTime"].timestamp() * 1000))
    assert listed(("STATE", "EQ", "STOPPED")) == ids and listed(("STATE", "NE", "STOPPED")) == []
    assert listed(("CRAWL_ID", "EQ", ids[1])) == [ids[1]]
    assert listed(("START_TIME", "GT", middle), ("STATE", "EQ", "STOPPED"))[:1] == ids[:1]
    assert ids[2] not in listed(("START_TIME", "GE", middle)) or crawls[2]["StartTime"] == crawls[1]["StartTime"]
    assert listed(("END_TIME", "LE", "1")) == []
    page = glue.list_crawls(CrawlerName=name, MaxResults=2)
    rest = glue.list_crawls(CrawlerName=name, MaxResults=2, NextToken=page["NextToken"])
    assert [crawl["CrawlId"] for crawl in (*page["Crawls"], *rest["Crawls"])] == ids and "NextToken" not in rest
    for field, operator, value in (("STATE", "GT", "x"), ("START_TIME", "EQ", "yesterday")):
        given = [{"FieldName": field, "FilterOperator": operator, "FieldValue": value}]
        assert refusal(glue.list_crawls, CrawlerName=name, Filters=given)[0] == "InvalidInputException"
