"""SQL as Sail is asked it: what no rule is for stays as it is, to the letter; what has another answer is refused."""

from __future__ import annotations

import re

import pytest

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail.sql_items import name_of
from lakelet.etl.sail.sql_text import as_spark
from lakelet.etl.sail.statements import bare


@pytest.mark.parametrize(
    "text",
    [
        "select a, b from t",
        "SELECT  /* cast(a as string) */ a -- max(b)\n FROM t WHERE x = 'cast(a as string)' AND \"if(a, b, c)\" <> ''",
        "select cast(a as timestamp), cast(a as array<string>), a.`max(b)`, `if`(a) from t",
        "select count(*), sum(if(a, 1)), f(case when a then 'x' else 'y' end), 1.5BD, r'\\d' from t",
        "case when a then 1 end",
        "select (a) - 1, (a) - (2), j.x:k.b - 1, a + 2 * 3 from t where d - 1 < 2 and a - '2024-01-01' > 0",
        "last(x) ignore nulls over () - 1, ts - interval 1 month, dt + interval 1 day, x - rand()",
        "ts - interval 1 day, a div b, x between -1 and y, y like z, c, unpivot, r'it''s'",
        "f(x) not in ('a', 'b')",
        "x + interval 1 month in ('2024-03-05') and x & y in (1) and x div y not in (2)",
        "f(code) not in (1, 2) or date '2024-02-29' = date '2024-03-05'",
        "select ((a), (",
        "",
    ],
)
def test_what_no_rule_is_for_stays_as_it_is(text: str) -> None:
    assert as_spark(text) == text


def test_operands_of_a_sum_are_looked_at_with_their_windows() -> None:
    made = as_spark("select dt - lag(dt) over w - date '2024-01-01' as n from t")
    assert made.startswith("select dt - lag(dt) over w - CASE WHEN rlike(concat_ws(' ', typeof(dt), typeof(lag(dt) ")
    assert made.endswith("ELSE date '2024-01-01' END as n from t")
    deep = "a"
    for number in range(18):
        deep = f"b{number} - f({deep})"
    assert len(as_spark(deep)) < 20_000
    wide = " + ".join(f"c{number}" for number in range(500))
    assert len(as_spark(wide)) < 20_000


def test_what_is_made_keeps_its_distance() -> None:
    assert "END as b" in as_spark("cast(a as string)as b")
    assert as_spark("date(a)between x and y").endswith("END between x and y")


def test_a_parameter_stands_where_it_stood() -> None:
    made = as_spark("select a - coalesce(b, ?), cast(c + ? as string), d - ? from t where k = ?")
    assert bare(made).count("?") == 4 and made.endswith(" from t where k = ?")


def test_doubled_quotes_are_written_with_backslashes() -> None:
    told = {
        "'it''s'": r"'it\'s'",
        "'" * 4: r"'\''",
        '"x""y"': r'"x\"y"',
        r"'a\\''b'": r"'a\\\'b'",
        "''": "''",
        "-- it''s": "-- it''s",
    }
    for text, made in told.items():
        assert as_spark(text) == made


def test_only_the_value_is_written_anew() -> None:
    text = "select 'é', /* c */ f( cast(d as bigint) ) as x, a end from `t-1` where x in (  1, y )"
    before, _, after = text.partition("cast(d as bigint)")
    made = as_spark(text)
    assert made.startswith(before) and made.endswith(after)
    assert made.count("CASE") == 4 and "CAST(d AS bigint)" in made


def test_what_is_computed_is_named_once_where_it_may_be_another_each_time() -> None:
    assert as_spark("cast(rand() as string)").count("rand()") == 1
    assert as_spark("cast(sum(d) over (order by i) as string)").count("sum(d)") == 1
    assert as_spark("concat(distinct_, x), avg(distinct x), max(distinct (x))").count("distinct ") == 1
    deep = "x"
    for _ in range(6):
        deep = f"cast({deep} as string)"
    assert len(as_spark(deep)) < 50_000
    nested = "i"
    for number in range(12):
        nested = f"case when a = {number} then {nested} else {number}L end"
    assert len(as_spark(nested)) < 5_000


def test_depth_costs_no_more_than_its_length() -> None:
    deep = "cast(d as string)"
    for _ in range(40):
        deep = f"coalesce(upper({deep}), (x), 'y')"
    assert as_spark(deep).count("coalesce") == 40
    with pytest.raises(UnsupportedError, match="nested"):
        as_spark("f(" * 2000 + deep + ")" * 2000)


def test_a_chain_of_functions_of_text_is_asked_at_its_column_alone() -> None:
    told = as_spark("lower(trim(x))")
    assert as_spark("regexp_replace(upper(lower(trim(x))), 'a', 'b')") == f"regexp_replace(upper({told}), 'a', 'b')"
    deep = "upper(x)"
    for _ in range(20):
        deep = f"substring(trim({deep}), 1, 5)"
    assert as_spark(deep).count("typeof") == told.count("typeof")
    assert "transform(" not in as_spark("substring(coalesce(x, y), -3, 2)")


@pytest.mark.parametrize(
    "text",
    [
        "upper('a'), lpad(upper('a'), 3), concat('a', upper('b')), coalesce('a', 'b'), nvl2, left join (b)",
        "year(date '2024-03-05'), datediff(current_date(), '2024-03-05'), add_months(now(), 1)",
        "x = '2024-03-05' and f(y) = '20240305' and a * b = '20240305' and '20240305' = f(x), '20240305'",
        "x in (1, y) and f(x) in ('a') and x in ('a', y) and x in (select 'a')",
    ],
)
def test_texts_that_are_the_same_to_both_stay_as_they_are(text: str) -> None:
    assert "typeof" not in as_spark(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cast(d as string)", "d"),
        ("LEFT(`s`,2)", "left(s, 2)"),
        ("upper( concat(a.s,s) )", "upper(concat(a.s, s))"),
        ("cast(cast(a.`d` as date) as string)", "d"),
        ("date(d)", "d"),
        ("max(d)", "max(d)"),
        ("max(d) m", None),
        ("max(d) as m", None),
        ("if(a, b, c)", "if(a, b, c)"),
        ("a - b - 1", "((a - b) - 1)"),
        ("a - b difference", None),
        ("isnan(a) is null missing", None),
        ("cast(a as string) `a b`", None),
        ("explode(array(a - b))", None),
        ("case when a then b - c end", "case when a then b - c end"),
    ],
)
def test_the_name_of_what_has_no_alias(text: str, name: str | None) -> None:
    assert name_of(text) == name


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("select rint(a) from t", "rint"),
        ("select a from t where Percentile_Approx (a, 0.5) > 1", "percentile_approx"),
        ("select collect_list(a) over (partition by b) from t", "collect_list over a window"),
        ("select datediff(day, a, b)", "datediff of a unit"),
        ("select extract(DOW from a)", "dow"),
        ("select date_part('dow', a)", "dow"),
        ("select a from t intersect all select b from u", "INTERSECT ALL"),
        ("select f(a::string)", "::"),
    ],
)
def test_what_has_another_answer_is_refused(text: str, named: str) -> None:
    with pytest.raises(UnsupportedError, match=named) as told:
        as_spark(text)
    assert "--engine spark" in str(told.value)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("current_date() - x", ["current_date()", "x"]),
        ("x - current_date", ["x", "current_date"]),
        ("x + current_date", ["x", "current_date"]),
        ("a - date", ["a", "date"]),
        ("(a + b) - c * d - (e)", ["(a + b)", "c", "d", "(e)"]),
        ("a - b[0] - f(x).y - m['k'].z", ["a", "b[0]", "f(x).y", "m['k'].z"]),
        ("sum(x) over w - sum(y) over w", ["sum(x) over w", "sum(y) over w"]),
        ("x - lag(y, 1) ignore nulls over (order by t)", ["x", "lag(y, 1) ignore nulls over (order by t)"]),
        ("a - first(b) filter (where c)", ["a", "first(b) filter (where c)"]),
        ("end_ts - interval 1 month - start_ts", ["end_ts", "start_ts"]),
        ("x - case y when 1 then z end", ["x", "case y when 1 then z end"]),
        ("x - (select z from t)", ["x", "(select z from t)"]),
        ("filter(xs, x -> x - y > 0)", ["x", "y"]),
        ("`dt` - `t`.`dt`", ["`dt`", "`t`.`dt`"]),
        ("dt - :p", ["dt", ":p"]),
        ("dt - ?", ["dt", "_lakelet_v"]),
        ("x from t order by x - y desc nulls last", ["x", "y"]),
        ("x - y as nulls", ["x", "y"]),
        ("a[0] + interval 1 hour", ["a[0]", "interval 1 hour"]),
        ("f(x) over (order by y) + interval 1 hour", ["f(x) over (order by y)", "interval 1 hour"]),
        ("(a) + (interval 1 hour)", ["(a)", "(interval 1 hour)"]),
        ("dt + interval 1 day - interval '2' minutes", ["dt", "interval '2' minutes"]),
        ("interval '1 02:03:04' day to second + dt", ["interval '1 02:03:04' day to second", "dt"]),
        ("dt - make_dt_interval(1)", ["dt", "make_dt_interval(1)"]),
        ("dt + ((interval 1 hour)) - `u`", ["dt", "((interval 1 hour))", "`u`"]),
        ("dt + i * interval 1 day", ["dt", "i", "interval 1 day"]),
        ("ts > :p - interval 1 hour", [":p", "interval 1 hour"]),
        ("dt - -interval 1 hour", ["dt", "interval 1 hour"]),
        ("case when a then b end + interval 1 second", ["case when a then b end", "interval 1 second"]),
        ("date '2024-01-01' + interval 1 hour", ["date '2024-01-01'", "interval 1 hour"]),
        ("dt + 2 * gap", ["dt", "gap"]),
        ("dt - 0.5 * gap", ["dt", "gap"]),
        ("dt + -gap", ["dt", "gap"]),
        ("dt + (interval 1 day + gap)", ["dt", "(interval 1 day + gap)"]),
        ("dt + (interval '1' day - gap)", ["dt", "(interval '1' day - gap)"]),
        ("select (dt + interval 1 day) + interval 1 hour", ["(dt + interval 1 day)", "interval 1 hour"]),
        ("with g as (select k from v having a > 0) select dt + gap as n from v order by n", ["dt", "gap"]),
        ("select k from v group by k having max(dt) + max(gap) > x order by k", ["max(dt)", "max(gap)"]),
        ("select k from v group by k having k > 1 order by k + l", ["k", "l"]),
    ],
)
def test_operands_of_a_sum_are_looked_at(text: str, asked: list[str]) -> None:
    made = as_spark(text)
    *_, kinds = re.findall(r"concat_ws\(' ', typeof\((.*?)\)\), '", made)
    assert kinds.split("), typeof(") == asked


@pytest.mark.parametrize("told", ["a + b - 1", "a + b - 'x'"])
def test_numbers_and_texts_are_no_operands_of_time(told: str) -> None:
    made = as_spark(told)
    assert "typeof(a), typeof(b))" in made and made.endswith(f" ELSE b END - {told[8:]}")


@pytest.mark.parametrize(
    "told",
    [
        "interval 1 hour + interval 1 minute - 1",
        "a * b / 2",
        "dt + interval -3 days",
        "dt - (interval '1-2' year to month)",
    ],
)
def test_what_is_no_sum_of_times_stays_as_it_is(told: str) -> None:
    assert as_spark(told) == told


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    text = f"select {', '.join(f'c{at} + 1 as d{at}' for at in range(20_000))} from t"
    assert as_spark(text) == text  # minutes, where each sign is sought an interval for
