"""Manifests: a publish reads from its own staging and touches its own location, whatever a driver sends."""

from __future__ import annotations

import pytest

from lakelet.data.publish import Manifest, drop_staging, location_prefix
from lakelet.workspace.errors import InvalidInputException, PublishError

STAGING = ".lakelet/staging/jr_1/pub_1/"


def manifest(add: object = (), remove: object = ()) -> Manifest:
    return Manifest.from_request("s3://silver/flights/", STAGING, add, remove)


def test_a_manifest_survives_the_database() -> None:
    sent = manifest([{"source": STAGING + "a", "target": "flights/month=1/a"}], ["flights/month=1/old"])
    assert Manifest.from_json(sent.to_json()) == sent
    assert (sent.bucket, sent.prefix) == ("silver", "flights/")


@pytest.mark.parametrize(
    "key",
    [
        "flights_old/x",
        "flights",
        "flights/",
        "/flights/x",
        "flights/../gold/x",
        "flights//x",
        "flights/./x",
        "flights/a\nb",
        "flights/a\\b",
        "other/x",
        ".lakelet/staging/jr_2/x",
        "",
    ],
)
def test_keys_outside_the_location_are_refused(key: str) -> None:
    with pytest.raises(InvalidInputException, match="not below"):
        manifest(remove=[key])
    with pytest.raises(InvalidInputException, match="not below"):
        manifest([{"source": STAGING + "a", "target": key}])


def test_a_whole_bucket_is_a_location_but_for_what_is_hidden_in_it() -> None:
    assert location_prefix("s3://exports") == location_prefix("s3://exports/") == ("exports", "")
    sent = Manifest.from_request("s3://exports/", STAGING, [{"source": STAGING + "a", "target": "a"}], ["old/b"])
    assert (sent.prefix, list(sent.add), list(sent.remove)) == ("", [(STAGING + "a", "a")], ["old/b"])
    for key in (".lakelet/staging/jr_2/x", "/x", "a//x", "../x", ""):
        with pytest.raises(InvalidInputException, match="not below"):
            Manifest.from_request("s3://exports/", STAGING, [{"source": STAGING + "a", "target": key}], [])


@pytest.mark.parametrize("source", [".lakelet/staging/jr_1/pub_2/a", "flights/a", STAGING, STAGING + "../pub_2/a"])
def test_only_ones_own_staging_is_read(source: str) -> None:
    with pytest.raises(InvalidInputException, match="not below"):
        manifest([{"source": source, "target": "flights/a"}])


@pytest.mark.parametrize("add", [[{"source": "x"}], ["x"], 7, [None]])
def test_nonsense_is_refused(add: object) -> None:
    with pytest.raises(InvalidInputException):
        manifest(add)


def test_an_object_is_added_once() -> None:
    with pytest.raises(InvalidInputException, match="twice"):
        manifest([{"source": STAGING + name, "target": "flights/x"} for name in "ab"])


@pytest.mark.parametrize("location", ["s3://silver/.lakelet", "s3://silver/.lakelet/x", "/etc", "s3://b/a/../c"])
def test_some_places_cannot_be_published_to(location: str) -> None:
    with pytest.raises(InvalidInputException):
        location_prefix(location)


@pytest.mark.parametrize("prefix", ["", "flights/", ".lakelet/", ".lakelet/staging/"])
def test_only_staging_is_dropped(prefix: str) -> None:
    with pytest.raises(PublishError):
        drop_staging(None, "silver", prefix)
