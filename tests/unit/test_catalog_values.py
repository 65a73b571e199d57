"""Encoded values sort as the values do, alone and one behind the other; an index finds what a scan finds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelet.catalog.expressions import parse_expression
from lakelet.catalog.partitions import values
from lakelet.catalog.partitions.keys import key_of, values_of
from lakelet.catalog.partitions.values import Kind
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.state import open_state, reading, writing

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(
    ["", "\x00", "\x01", "\x02", "a\x01b"]
)
WHOLE = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)


@given(st.lists(TEXTS, min_size=2, max_size=2))
def test_texts(pair: list[str]) -> None:
    left, right = pair
    assert (values.encode(left) < values.encode(right)) == (left < right)


@given(WHOLE, WHOLE)
def test_whole_numbers(left: int, right: int) -> None:
    assert (values.encode(left) < values.encode(right)) == (left < right)


@given(DECIMALS, DECIMALS | st.sampled_from([Decimal("0.0"), Decimal("1E+3"), Decimal("1000"), Decimal("-0.001")]))
def test_decimals(left: Decimal, right: Decimal) -> None:
    assert (values.encode(left) < values.encode(right)) == (left < right)
    assert (values.encode(left) == values.encode(right)) == (left == right)


@given(st.lists(st.tuples(TEXTS, WHOLE), min_size=2, max_size=2))
def test_one_behind_the_other(pair: list[tuple[str, int]]) -> None:
    encoded = [values.entry((Kind.TEXT, Kind.WHOLE), (text, str(number))) for text, number in pair]
    assert (encoded[0] < encoded[1]) == (pair[0] < pair[1])


@given(TEXTS, TEXTS)
def test_beginnings(beginning: str, text: str) -> None:
    low, high = values.starting_with(beginning)
    assert (low <= values.encode(text) < high) == text.startswith(beginning)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_keys_come_back(texts: list[str]) -> None:
    assert values_of(key_of(texts)) == tuple(texts)


@given(st.dates() | st.datetimes())
def test_dates_and_times(moment: date) -> None:
    kind = Kind.TIMESTAMP if isinstance(moment, datetime) else Kind.DATE
    assert values.read(kind, str(moment)) is not None


FINER = st.tuples(st.datetimes(), st.sampled_from(["", "0", "000", "1", "10", "12", "789", "7890", "000000001"]))


@given(FINER, FINER)
def test_times_finer_than_a_microsecond(left: tuple[datetime, str], right: tuple[datetime, str]) -> None:
    read = [
        values.encode(values.read(Kind.TIMESTAMP, moment.isoformat(" ", "microseconds") + digits))
        for moment, digits in (left, right)
    ]
    exact = [(moment, Decimal(f"0.{digits or 0}")) for moment, digits in (left, right)]
    assert (read[0] < read[1]) == (exact[0] < exact[1])
    assert (read[0] == read[1]) == (exact[0] == exact[1])


def test_a_finer_time_in_another_form() -> None:
    forms = ("2024-01-01T00:00:00,123456789", "2024-01-01 02:00:00.1234567890+02:00", "20240101T000000.123456789Z")
    assert {values.read(Kind.TIMESTAMP, form) for form in forms} == {"2024-01-01 00:00:00.123456789"}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogStore]:
    engine = open_state(Path(tmp_path_factory.mktemp("values")) / "state.db")
    store = CatalogStore(engine)
    keys = [{"Name": "s", "Type": "string"}, {"Name": "n", "Type": "int"}, {"Name": "p", "Type": "decimal(9,2)"}]
    rows = [
        {"Values": [text, number, price]}
        for text in ("", "a", "a b", 'a"', "ab", "b", "\x01", "__HIVE_DEFAULT_PARTITION__")
        for number in ("-3", "0", "7", "10", "x")
        for price in ("-1.50", "0", "9.99", "10")
    ]
    with writing(engine) as connection:
        store.create_database(connection, {"Name": "d"})
        table = store.create_table(connection, "d", {"Name": "t", "PartitionKeys": keys})
        store.create_partitions(connection, table, rows)
        store.create_index(connection, table, "pair", ["n", "s"])
        store.create_index(connection, table, "all", ["p", "n", "s"])
    yield store
    engine.dispose()


LITERALS = {
    "s": ("''", "'a'", "'a b'", "'ab'", "'b'"),
    "n": ("-3", "0", "7", "'10'", "11"),
    "p": ("-1.5", "0", "9.99", "'10.0'"),
}
COMPARISONS = st.sampled_from(sorted(LITERALS)).flatmap(
    lambda key: st.one_of(
        st.tuples(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), st.sampled_from(LITERALS[key])).map(
            lambda found: f"{key} {found[0]} {found[1]}"
        ),
        st.lists(st.sampled_from(LITERALS[key]), min_size=2, max_size=2).map(
            lambda found: f"{key} BETWEEN {found[0]} AND {found[1]}"
        ),
        st.lists(st.sampled_from(LITERALS[key]), min_size=1, max_size=3).map(
            lambda found: f"{key} NOT IN ({', '.join(found)})"
        ),
        st.sampled_from([f"{key} IS NULL", f"{key} IS NOT NULL", f"{key} LIKE 'a%'", f"{key} NOT LIKE '_'"]),
    )
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda found: f"({' '.join(found)})"),
        inner.map(lambda found: f"NOT ({found})"),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_an_index_finds_what_a_scan_finds(catalog: CatalogStore, expression: str) -> None:
    with reading(catalog.engine) as connection:
        table = catalog.table(connection, "d", "t")
        condition = parse_expression(expression, table.partition_keys)
        every = [partition.values for partition in catalog.partitions(connection, table)]
        found = [partition.values for partition in catalog.partitions(connection, table, expression)]
        by_pages: list[tuple[str, ...]] = []
        position, size = None, 1
        while size:
            page = catalog.partition_page(connection, table, expression, position=position, limit=size)
            by_pages += [partition.values for partition in page.partitions]
            position, size = page.following, 7 if page.following else 0
    assert found == [one for one in every if condition.holds(one)]
    assert sorted(by_pages) == sorted(found)
