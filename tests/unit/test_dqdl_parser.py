"""DQDL: what a ruleset's text means, and what is wrong in it, by line and column."""

from __future__ import annotations

from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelet.etl.dqdl import rule_types
from lakelet.etl.dqdl.conditions import UndefinedError, meets, resolved
from lakelet.etl.dqdl.file_rules import moment
from lakelet.etl.dqdl.parser import parse
from lakelet.etl.dqdl.ruleset import Rule, Text, quoted
from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.errors import UsageError


def checked(text: str) -> None:
    rule_types.check(parse(text))


@pytest.mark.parametrize(
    "rule",
    [
        'IsComplete "order-id"',
        "RowCount between 1 and 1000",
        "RowCount not between -1.5 and 2",
        'Completeness "colA" > 0.5 where "colB = 10"',
        'ColumnValues "colB" in ["A","B"] where "colC is not null" with threshold > 0.9',
        'ColumnValues "Country" in ["US","CA",NULL,EMPTY,WHITESPACES_ONLY]',
        'ColumnValues "colA" not matches "[a-z]\\d+"',
        'ColumnValues "colA" matches "[a-z]*" with threshold between 0.2 and 0.9',
        'ColumnValues "d" between "2022-05-31" and "2022-06-30"',
        'ColumnValues "load_date" > (now() - 3 days)',
        'ColumnValues "x" != NULL with threshold > 0.5',
        'DataFreshness "Order_Date" between 2 days and 5 days',
        'DistinctValuesCount "colA" between min(last(10)) - 1 and max(last(10)) + 1',
        'UniqueValueRatio "colA" <= index(last(10), 2) + std(last(5))',
        "RowCount > last()",
        'DatasetMatch "reference" "ID_1->ID_ref1,ID_2->ID_ref2" "Amount1->Amount2" >= 0.9',
        'FileSize "s3://bucket/" between 2 GB and 1 TB with threshold > 0.7',
        'FileFreshness "s3://b/" between "9:30 AM" and "22:15" with timeZone = "Europe/Paris"',
        'FileMatch "s3://a/" "s3://b/" with recentFiles = 5 with uriRegex = "\\.csv$"'
        ' with filterOrder = ["uriRegex","recentFiles"]',
        '(IsComplete "id") AND (IsUnique "id")',
        '(RowCount > 0) OR ((IsComplete "colA") AND (IsUnique "colA"))',
        'CustomSql "select count(*) from primary" = 20',
        'ColumnDataType "colA" = "INTEGER" with threshold > 0.9',
        'ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}" = 1.0',
    ],
)
def test_what_is_written_is_what_outcomes_show(rule: str) -> None:
    checked(f"Rules = [ {rule} ]")
    (parsed,) = parse(f"Rules = [ {rule} ]").rules
    assert str(parsed) == rule


def test_a_document_has_constants_labels_comments_and_analyzers() -> None:
    text = """
    # the whole of it
    mySql = "select count(*) from primary"   # a constant
    allowed = ["a", "b"]
    DefaultLabels = ["frequency"="monthly"]
    Rules = [
        CustomSql $mySql between 0 and 100,
        ColumnValues "say \\"x\\"" in $allowed with threshold > 0.8 labels=["foo"="bar", "frequency"="daily"],
        ((IsComplete "col") and (RowCount > 0)) labels=["team"=""]
    ]
    Analyzers = [ RowCount, ColumnLength "Name", AllStatistics "x" ]
    """
    ruleset = parse(text)
    rule_types.check(ruleset)
    assert [str(one) for one in ruleset.rules] == [
        'CustomSql "select count(*) from primary" between 0 and 100',
        'ColumnValues "say \\"x\\"" in ["a","b"] with threshold > 0.8',
        '(IsComplete "col") AND (RowCount > 0)',
    ]
    assert [dict(one.labels) for one in ruleset.rules] == [
        {"frequency": "monthly"},
        {"frequency": "daily", "foo": "bar"},
        {"frequency": "monthly", "team": ""},
    ]
    assert [str(one) for one in ruleset.analyzers] == ["RowCount", 'ColumnLength "Name"', 'AllStatistics "x"']
    assert [str(one) for one in parse("Analyzers = [ RowCount ]").analyzers] == ["RowCount"]


def test_and_binds_more_than_or() -> None:
    (rule,) = parse("Rules = [ (RowCount > 0) and (RowCount > 1) OR (RowCount > 2) ]").rules
    assert str(rule) == "((RowCount > 0) AND (RowCount > 1)) OR (RowCount > 2)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1, column 1: found the end, expected .*Rules"),
        ("Rules = [", r"line 1, column 10: found the end, expected \(, a name"),
        ("Rules = [ ]", r"column 11: found ']', expected \(, a name"),
        ("rules = [ RowCount > 1 ]", r"column 11: found 'RowCount', expected a text in quotes"),
        ('Rules = [\n  IsComplete "a",\n  RowCount > ,\n]', r"line 3, column 14: found ',', expected .*a number"),
        ('Rules = [ ColumnValues "a" > (now() - 3 weeks) ]', r"found 'weeks', expected days, hours or minutes"),
        ('Rules = [ FileSize "s3://b/" > 1 PB ]', "found 'PB'"),
        ('Rules = [ IsComplete "a\n]', "line 1, column 22"),
        ('Rules = [ IsComplete "a" and RowCount > 0 ]', r"column 26: found 'and'"),
        ('Rules = [ (IsComplete "a") and (RowCount > 0) labels=["a"="b"] ]', "has labels within"),
        ('Rules = [ RowCount > 1 labels=[""="b"] ]', "keys have 1 to 128 characters"),
        ("Rules = [ RowCount > $x ]", r"\$x at line 1, column 23 is not defined"),
        ('x = "1" x = "2" Rules = [ RowCount > 1 ]', "defines x twice"),
        ('Rules = [ ColumnValues "a" > 1 with threshold > 1 with threshold > 2 ]', "says twice with threshold"),
        ('Analyzers = [ Completeness "a" > 1 ]', "has more than a type and columns"),
        ("Rules = [ RowCont > 1 ]", "RowCont > 1 at line 1, column 11 is of no rule type .* did you mean RowCount"),
        ("Rules = [ Foo ]", "data-quality.md lists them"),
        ("Rules = [ RowCount ]", "has no condition: RowCount needs one, on a number"),
        ('Rules = [ RowCount "a" > 1 ]', "has 1 parameters: RowCount takes 0"),
        ('Rules = [ IsComplete "a" IsUnique "b" ]', "has 3 parameters: IsComplete takes 1"),
        ('Rules = [ IsComplete "a" > 0.05 ]', "true or false by itself"),
        ('Rules = [ ReferentialIntegrity "a" "r.a" = 1 where "a > 1" ]', "takes none"),
        ('Rules = [ Completeness "a" > 0.4 with threshold > 0.4 ]', "with threshold: Completeness takes nothing there"),
        ('Rules = [ ColumnValues "a" in [1, "b"] ]', "values of one kind"),
        ('Rules = [ ColumnValues "a" in [1, "2"] ]', "values of one kind"),
        ('Rules = [ ColumnValues "a" > "b" ]', "texts take =, !=, in and matches"),
        ('Rules = [ DataFreshness "a" <= 3 ]', "a time with its unit"),
        ("Rules = [ RowCount > NULL ]", "it takes a number"),
        ('Rules = [ RowCount matches "a" ]', "a number"),
        ("Rules = [ RowCount = [1, 2] ]", "write in"),
        ("Rules = [ RowCount > last(5) ]", r"several numbers: make one of them, as in avg\(last\(5\)\)"),
        ("Rules = [ RowCount > index(last(3), 3) ]", "has no value 3, they count from 0"),
        ("Rules = [ RowCount > avg(last(0)) ]", "whole number from 1"),
        ("Rules = [ RowCount > mode(last(3)) ]", "calls mode: DQDL has abs, avg"),
        ('Rules = [ ColumnValues "a" > avg(last(3)) ]', "AWS has no dynamic rules of the type ColumnValues"),
        ('Rules = [ CustomSql "select 1" > 1 with threshold > 1 ]', "takes one of them"),
        ('Rules = [ FileMatch "s3://b/" ]', "has nothing to compare with"),
        ('Rules = [ AllStatistics "a" ]', "cannot stand among the rules"),
        ('Analyzers = [ IsComplete "a" ]', "cannot stand among the analyzers"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('Rules = [ DetectAnomalies "RowCount" ]', r"DetectAnomalies .* is not supported: .*avg\(last\(10\)\)"),
        ('Analyzers = [ Distribution "a" ]', "Distribution .* is not supported"),
        ("Rules = [ FileSize > 5 B ]", "is not supported without a path"),
    ],
)
def test_what_is_not_there_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        checked(text)


@pytest.mark.parametrize(
    ("condition", "past", "told", "met"),
    [
        ("> avg(last(3))", [10, 20, 30, 1000], "> 20.0", False),
        ("> last()", [5, 100], "> 5.0", True),
        ("> last()", [], "> 0.0", True),
        ("between min(last(10))-1 and max(last(10))+1", [19, 20], "between 18.0 and 21.0", True),
        ("= median(last(3))", [1, 20, 30], "= 20.0", True),
        ("< sum(last(2)) * 2", [5, 6, 7], "< 22.0", True),
        ("> std(last(2))", [4, 8], "> 2.0", True),
        ("> abs(last(1)) / (1 + 1)", [-10], "> 5.0", True),
        ("= index(last(3), 1)", [1, 20, 3], "= 20.0", True),
        ("not in [1, last()]", [20], "not in [1.0,20.0]", False),
    ],
)
def test_dynamic_conditions_compare_with_past_runs(condition: str, past: list[float], told: str, met: bool) -> None:
    (rule,) = parse(f"Rules = [ RowCount {condition} ]").rules
    assert isinstance(rule, Rule) and rule.condition
    found, numbers = resolved(rule.condition, lambda: past)
    assert (str(found), meets(found, 20.0, numbers)) == (told, met)


def test_a_run_that_was_not_has_no_value() -> None:
    (rule,) = parse("Rules = [ RowCount > index(last(5), 3) ]").rules
    assert isinstance(rule, Rule) and rule.condition
    with pytest.raises(UndefinedError, match="only 1 past runs"):
        resolved(rule.condition, lambda: [7.0])


@given(
    st.text(st.characters(exclude_characters="\\"), max_size=20),
    st.sampled_from(["=", "!=", ">", "<=", "between", "not between", "in", "not in"]),
    st.lists(st.floats(-1e6, 1e6).map(lambda number: f"{number:f}"), min_size=2, max_size=4),
    st.none() | st.text(st.characters(exclude_characters="\\"), max_size=20),
)
def test_every_rule_reads_as_it_is_shown(column: str, operator: str, numbers: list[str], where: str | None) -> None:
    given_numbers = {"between": " and ".join(numbers[:2]), "in": f"[{', '.join(numbers)}]"}
    condition = f"{operator} {given_numbers.get(operator.removeprefix('not '), numbers[0])}"
    clause = "" if where is None else f" where {quoted(where)}"
    (rule,) = parse(f"Rules = [ ColumnValues {quoted(column)} {condition}{clause} ]").rules
    assert isinstance(rule, Rule)
    assert (rule.parameters, rule.where) == ((column,), where)
    (again,) = parse(f"Rules = [ {rule} ]").rules
    assert again == rule


WORDS = [
    "Rules",
    "=",
    "[",
    "]",
    "(",
    ")",
    ",",
    "$x",
    '"a"',
    "IsComplete",
    "RowCount",
    ">",
    "1",
    "and",
    "or",
    "in",
    "where",
    "with",
    "#",
    '"',
]


@given(st.lists(st.sampled_from(WORDS)))
def test_no_text_gives_a_traceback(words: list[str]) -> None:
    for text in (" ".join(words), "Rules = [" + " ".join(words) + "]"):
        with suppress(UsageError, UnsupportedError):
            checked(text)


@pytest.mark.parametrize(
    ("operand", "zone", "expected"),
    [
        ("21:45", "UTC", "21:45+00:00"),
        ("9:30 PM", "Europe/Paris", "21:30+0"),
        ("02:30", "Asia/Shanghai", "02:30+08:00"),
        ("2024-01-01", "Asia/Shanghai", "2024-01-01 00:00+00:00"),
    ],
)
def test_times_of_day_are_todays_in_their_zone(operand: str, zone: str, expected: str) -> None:
    assert expected in moment(Text(operand), ZoneInfo(zone)).isoformat(" ", "minutes")


def test_row_by_row_refuses_what_is_about_shares() -> None:
    for part in ('Completeness "a" > 0.5', 'ColumnValues "a" > 1 with threshold > 0.5', 'Uniqueness "a" = 1'):
        (rule,) = parse(f"Rules = [ ({part}) or (RowCount > 1) ]").rules
        with pytest.raises(UsageError, match="about a share of the rows"):
            rule_types.check_per_row(rule)
    (rule,) = parse('Rules = [ Completeness "a" > 0.5 ]').rules
    rule_types.check_per_row(rule)
