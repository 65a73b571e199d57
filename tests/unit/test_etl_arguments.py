"""getResolvedOptions, as AWS documents it."""

from __future__ import annotations

import pytest

from awsglue.utils import GlueArgumentError, getResolvedOptions


def test_both_spellings_and_the_last_one_wins() -> None:
    argv = ["script.py", "--JOB_NAME", "silver", "--day=2013-01-01", "--day", "2013-01-02", "--other", "x"]
    assert getResolvedOptions(argv, ["JOB_NAME", "day"]) == {"JOB_NAME": "silver", "day": "2013-01-02"}


def test_what_the_run_itself_was_given_comes_along() -> None:
    argv = [
        "s",
        "--JOB_NAME",
        "silver",
        "--JOB_ID",
        "j_1",
        "--JOB_RUN_ID",
        "jr_1",
        "--TempDir",
        "s3://b/t/",
        "--day",
        "1",
    ]
    run = {"JOB_ID": "j_1", "JOB_RUN_ID": "jr_1", "TempDir": "s3://b/t/"}
    assert getResolvedOptions(argv, []) == run
    assert getResolvedOptions(argv, ["JOB_NAME"]) == run | {"JOB_NAME": "silver"}


def test_hyphens_come_back_as_underscores() -> None:
    assert getResolvedOptions(["s", "--day-key", "7"], ["day-key"]) == {"day_key": "7"}
    assert getResolvedOptions(["s", "--day-key", "7"], ["day_key"]) == {"day_key": "7"}


def test_values_with_equals_signs_and_leading_dashes_survive() -> None:
    assert getResolvedOptions(["s", "--where=a=b", "--n", "-5"], ["where", "n"]) == {"where": "a=b", "n": "-5"}


def test_what_is_missing_is_named() -> None:
    with pytest.raises(GlueArgumentError, match="the following arguments are required: --JOB_NAME, --to"):
        getResolvedOptions(["s", "--from", "1"], ["JOB_NAME", "from", "to"])


def test_a_name_without_a_value_is_named() -> None:
    with pytest.raises(GlueArgumentError, match="argument --to: expected one argument"):
        getResolvedOptions(["s", "--to", "--from", "1"], ["to"])


def test_no_abbreviations() -> None:
    with pytest.raises(GlueArgumentError, match="--JOB_NAME"):
        getResolvedOptions(["s", "--JOB_NAME_OLD", "x", "--JOB", "y"], ["JOB_NAME"])
