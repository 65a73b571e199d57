"""Listings of the object store: what readers see of it, over several pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from lakelet.data.objects import list_objects


class Pages:
    """A client whose listing has these pages; ``fetched`` counts those that were asked for."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages
        self.fetched = 0

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        for number, keys in enumerate(self.pages, 1):
            self.fetched = number
            written = datetime(2026, 1, 1, tzinfo=UTC)
            contents = [{"Key": key, "Size": 1, "ETag": '"e"', "LastModified": written} for key in keys]
            yield {"Contents": contents, "IsTruncated": number < len(self.pages)}


@pytest.mark.parametrize(
    ("prefix", "keys", "seen"),
    [
        ("t/", ["t/", "t/_SUCCESS", "t/a.csv", "t/b/", "t/b/c.csv"], ["t/a.csv", "t/b/c.csv"]),
        ("t/", ["t/.lakelet/x", "t/_tmp/x", "t/_k=1/x", "t/_k=1/.x"], ["t/_k=1/x"]),
        ("t/a", ["t/a", "t/a.b/c", "t/ab"], ["t/a", "t/ab"]),
        ("", ["a", "_b", "c/d"], ["a", "c/d"]),
    ],
)
def test_folders_and_hidden_names_are_not_listed(prefix: str, keys: list[str], seen: list[str]) -> None:
    assert [one.key for one in list_objects(Pages(keys), "lake", prefix)] == seen


def test_all_pages_come_in_order_and_none_that_nobody_wants() -> None:
    pages = [[f"t/{page}/{number}" for number in range(3)] for page in range(4)]
    assert [one.key for one in list_objects(Pages(*pages), "lake", "t/")] == [key for page in pages for key in page]
    client = Pages(*pages)
    assert next(list_objects(client, "lake", "t/")).key == "t/0/0"
    assert client.fetched <= 2
