"""Random expressions of columns and of SQL, the same by a seed, that are put together from templates by their types:
``{int}`` stands for another expression of that type, ``{any}`` for one that has a plain text. The columns are those of
tests/random_pipelines.py.
"""

from __future__ import annotations

import random
import re

COLUMNS = {
    "int": ("qty", "id", "yr"),
    "lng": ("big",),
    "dbl": ("price", "score"),
    "dec": ("amount",),
    "str": ("customer", "note", "amount_text", "day_text", "code"),
    "bool": ("paid",),
    "date": ("day",),
    "ts": ("at",),
    "arr": ("tags",),
}
OF_COLUMNS: dict[str, tuple[str, ...]] = {
    "int": (
        'F.length({str})', 'F.year({date})', 'F.month({date})', 'F.dayofmonth({date})', 'F.dayofweek({date})',
        'F.quarter({date})', 'F.weekofyear({date})', 'F.hour({ts})', 'F.minute({ts})', 'F.datediff({date}, {date})',
        '({int} + {int})', '({int} - {int})', '({int} * 2)', '({int} % 3)', "{bool}.cast('int')", "{str}.cast('int')",
        "{dbl}.cast('int')", 'F.size({arr})', 'F.coalesce({int}, F.lit(0))', 'F.when({bool}, {int}).otherwise({int})',
        'F.when({bool}, 1).otherwise(0)', 'F.abs({int})', "F.instr({str}, 'a')", "F.floor({dbl}).cast('int')",
        'F.greatest({int}, {int})', 'F.least({int}, F.lit(5))', 'F.levenshtein({str}, {str})', "F.locate('o', {str})",
        'F.ascii({str})', "F.array_position({arr}, 'x').cast('int')", 'F.nvl({int}, F.lit(-1))',
        'F.when({bool}, {int})', '-{int}', "F.sign({int}).cast('int')",
        "F.try_element_at(F.split({str}, '-'), F.lit(1)).cast('int')", "F.date_format({ts}, 'yyyyMMdd').cast('int')",
        "F.months_between({date}, {date}).cast('int')", "F.crc32({str}).cast('int')", 'F.dayofyear({date})',
        'F.second({ts})', '({int}.bitwiseAND(3))', "F.regexp_count({str}, F.lit('[a-z]'))",
        "F.col('addr.zip').cast('int')", "F.size('lines')", "F.col('lines')[0]['n']",
        "F.aggregate('lines', F.lit(0), lambda a, x: a + x['n'])",
    ),
    "lng": (
        "{int}.cast('long')", 'F.unix_timestamp({ts})', '({lng} + {int})', 'F.floor({dbl})', 'F.ceil({dbl})',
        "{ts}.cast('long')", "{str}.cast('bigint')", '({lng} * {int})', 'F.coalesce({lng}, {int})',
        "F.round({dbl}).cast('long')", 'F.pmod({lng}, F.lit(7))', 'F.xxhash64({str})',
        'F.xxhash64({str}, {int}, {date})', "F.unix_timestamp({str}, 'yyyy-MM-dd')", 'F.to_unix_timestamp({ts})',
        "F.shiftleft({int}, 2).cast('long')", "({ts}.cast('long') - {ts}.cast('long'))", "F.hash({str}).cast('long')",
        'F.abs({lng})',
    ),
    "dbl": (
        '({dbl} + {dbl})', '({dbl} * {int})', '({int} / {int})', '({dbl} / {dbl})', 'F.round({dbl}, 2)',
        'F.round({dbl} * 100) / 100', 'F.sqrt(F.abs({dbl}))', "{str}.cast('double')", "{int}.cast('double')",
        "{dec}.cast('double')", 'F.coalesce({dbl}, F.lit(0.0))', 'F.coalesce({dbl}, {int})',
        'F.when({bool}, {dbl}).otherwise(0)', 'F.when({bool}, {dbl}).otherwise(F.lit(0.0))', 'F.when({bool}, {dbl})',
        '-{dbl}', 'F.abs({dbl})', 'F.greatest({dbl}, {int})', 'F.least({dbl}, F.lit(10))', '({dbl} - {int})',
        '({dbl} * 1.2)', 'F.pow({dbl}, F.lit(2))', 'F.months_between({date}, {date})', 'F.nullif({dbl}, F.lit(0.0))',
        "F.regexp_extract({str}, r'(\\d+(?:\\.\\d+)?)', 1).cast('double')",
        "F.regexp_replace({str}, ',', '').cast('double')", 'F.log1p(F.abs({dbl}))', "F.col('lines')[0]['price']",
        'F.nanvl({dbl}, F.lit(0.0))', 'F.lit(1.0) / {int}', "{lng}.cast('double')", '{lng} / 1000',
    ),
    "dec": (
        "{int}.cast('decimal(10,2)')", "{str}.cast('decimal(12,2)')", "{dbl}.cast('decimal(12,2)')", '({dec} + {dec})',
        '({dec} - {dec})', 'F.coalesce({dec}, F.lit(0))', "F.coalesce({dec}, F.lit(0).cast('decimal(10,2)'))",
        'F.when({bool}, {dec}).otherwise(F.lit(0))', 'F.abs({dec})', 'F.greatest({dec}, {dec})',
    ),
    "str": (
        'F.upper({str})', 'F.lower({str})', 'F.trim({str})', 'F.initcap({str})', 'F.concat({str}, {str})',
        "F.concat({str}, F.lit('-'), {any})", "F.concat_ws('-', {any}, {any})", 'F.substring({str}, 1, 3)',
        'F.substring({str}, 2, 100)', "F.lpad({str}, 6, '0')", "F.rpad({str}, 4, ' ')",
        "F.date_format({ts}, 'yyyy-MM')", "F.date_format({date}, 'yyyy-MM-dd')",
        "F.date_format({ts}, 'EEE, d MMM yyyy HH:mm:ss')", "{int}.cast('string')", "{dbl}.cast('string')",
        "{date}.cast('string')", "{ts}.cast('string')", "{bool}.cast('string')", "{dec}.cast('string')",
        "{lng}.cast('string')", "F.regexp_replace({str}, '[^a-zA-Z0-9]', '')", "F.regexp_replace({str}, r'\\s+', ' ')",
        "F.regexp_extract({str}, r'([a-z]+)', 1)", "F.split({str}, '-')[0]", "F.split({str}, '[, ]')[1]",
        "F.coalesce({str}, F.lit('n/a'))", 'F.coalesce({str}, {str})', 'F.when({bool}, {str}).otherwise({str})',
        "F.when({bool}, 'yes').otherwise('no')", "F.when({bool}, {str}).otherwise('x')",
        "F.translate({str}, 'abc', 'xyz')", 'F.reverse({str})', 'F.md5({str})', 'F.sha2({str}, 256)',
        "F.array_join({arr}, ',')", 'F.element_at({arr}, 1)', '{arr}[0]', "F.col('addr.city')", "F.col('attrs')['k']",
        "F.nvl({str}, F.lit(''))", "F.format_string('%s/%s', {str}, {int})", 'F.hex({int})',
        "F.substring_index({str}, '-', 1)", "F.base64({str}.cast('binary'))",
        "F.to_json(F.struct({str}.alias('a'), {int}.alias('b')))", "F.get_json_object('doc', '$.a')",
        "F.get_json_object('doc', '$.b.c')", 'F.from_unixtime({lng} % 1000000000)', "F.col('lines')[0]['sku']",
        'F.repeat({str}, 2)', 'F.ltrim({str})', 'F.left({str}, F.lit(3))', 'F.right({str}, F.lit(2))',
        "F.overlay({str}, F.lit('zz'), F.lit(1), F.lit(2))", 'F.soundex({str})',
        "F.concat(F.lit('a'), {int}.cast('string'))", 'F.greatest({str}, {str})',
        "F.concat(F.year({date}), F.lit('-'), F.lpad(F.month({date}), 2, '0'))", 'F.concat({str}, {int})',
        "F.upper({int}.cast('string'))", "F.substring({date}.cast('string'), 1, 7)", 'F.mask({str})',
        'F.url_encode({str})', 'F.ucase({str})', "F.to_char({int}, F.lit('999999'))",
        "F.unbase64(F.base64({str}.cast('binary'))).cast('string')",
    ),
    "bool": (
        '({int} > {int})', '({int} >= 2)', '({dbl} < {dbl})', '({dbl} > 10)', '({dbl} == {int})', "({str} == 'alice')",
        '({str} > {str})', "({str} != '')", '{str}.isNull()', '{int}.isNotNull()', '({bool} & {bool})',
        '({bool} | {bool})', '~{bool}', "{str}.isin('alice', 'BOB', '12')", '{int}.isin(1, 2, 3)', "{str}.like('a%')",
        "{str}.rlike('^[a-c]')", "{str}.contains('o')", "{str}.startswith('A')", "{str}.endswith('e')",
        '{int}.between(1, 5)', "({date} > '2024-03-01')", "({date} == F.lit('2024-03-05'))",
        "({date} >= F.to_date(F.lit('2024-01-15')))", "({ts} < '2024-06-01')",
        "({ts} >= F.lit('2024-03-05 12:00:00'))", '({date} < {date})', '{str}.eqNullSafe({str})',
        '{int}.eqNullSafe({int})', "F.array_contains({arr}, 'x')", '({dec} > 100)', '({dec} > {dec})',
        '({dec} > 10.5)', '({str} > 5)', '({str} == 12)', "{date}.between('2024-01-01', '2024-12-31')",
        "{str}.cast('boolean')", 'F.isnull({dbl})', 'F.isnan({dbl})', "({date} == {ts}.cast('date'))",
        "F.exists({arr}, lambda x: x == 'x')", "F.forall({arr}, lambda x: x != 'y')", '({lng} > {int})',
        '({dbl} <= {dec})', "{str}.ilike('%A%')", "({str} == {int}.cast('string'))", 'F.arrays_overlap({arr}, {arr})',
        '(F.year({date}) == 2024)', "(F.trim({str}) == '')", '(F.length({str}) > 3)',
        "{date}.isin('2024-03-05', '2024-01-31')",
    ),
    "date": (
        'F.to_date({str})', "F.to_date({str}, 'yyyy-MM-dd')", 'F.date_add({date}, 7)',
        'F.date_sub({date}, {int} % 30)', "F.trunc({date}, 'month')", 'F.last_day({date})', "{ts}.cast('date')",
        'F.to_date({ts})', 'F.greatest({date}, {date})', 'F.when({bool}, {date}).otherwise({date})',
        "F.coalesce({date}, F.lit('2024-01-01').cast('date'))", 'F.add_months({date}, 1)', "F.next_day({date}, 'Mon')",
        'F.make_date(F.lit(2024), F.lit(3), F.lit(5))', "{str}.cast('date')", 'F.when({bool}, {date})',
        "F.from_unixtime({lng} % 1000000000).cast('date')", "F.coalesce(F.to_date({str}, 'yyyy-MM-dd'), {date})",
        "F.to_date(F.concat_ws('-', F.lit(2024), F.lit(2), F.lit(3)))",
    ),
    "ts": (
        'F.to_timestamp({str})', "F.to_timestamp({str}, 'yyyy-MM-dd HH:mm:ss')", "F.date_trunc('hour', {ts})",
        "F.date_trunc('month', {ts})", "{date}.cast('timestamp')", 'F.coalesce({ts}, {ts})',
        'F.when({bool}, {ts}).otherwise({ts})', 'F.greatest({ts}, {ts})', "({ts} + F.expr('interval 1 hour'))",
        "({ts} - F.expr('interval 2 days'))", 'F.to_timestamp({lng} % 1000000000)',
        "F.from_unixtime({lng} % 1000000000).cast('timestamp')", "{str}.cast('timestamp')",
        "F.date_trunc('week', {ts})", "F.to_utc_timestamp({ts}, 'America/New_York')",
        "F.from_utc_timestamp({ts}, 'Europe/Berlin')", 'F.timestamp_seconds({lng} % 1000000000)',
        'F.to_timestamp({date})', "F.window({ts}, '1 hour')['start']",
    ),
    "arr": (
        "F.split({str}, ',')", 'F.array({str}, {str})', 'F.array_distinct({arr})', 'F.sort_array({arr})',
        'F.array_union({arr}, {arr})', 'F.transform({arr}, lambda x: F.upper(x))',
        "F.filter({arr}, lambda x: x != 'x')", "F.array_except({arr}, F.array(F.lit('x')))", 'F.slice({arr}, 1, 2)',
        'F.reverse({arr})', 'F.concat({arr}, {arr})', "F.array_remove({arr}, 'x')", 'F.flatten(F.array({arr}, {arr}))',
        'F.coalesce({arr}, F.array())', 'F.array_compact({arr})',
        "F.when({bool}, {arr}).otherwise(F.array(F.lit('z')))", "F.map_keys('attrs')", "F.map_values('attrs')",
        "F.col('lines.sku')", 'F.array_repeat({str}, 2)', "F.regexp_extract_all({str}, F.lit('[a-z]+'), F.lit(0))",
        "F.split({str}, r'\\s')",
    ),
}  # fmt: skip
OF_SQL: dict[str, tuple[str, ...]] = {
    "int": (
        'length({str})', 'year({date})', 'month({date})', 'day({date})', 'hour({ts})', 'datediff({date}, {date})',
        '({int} + {int})', '({int} - {int})', '({int} * 2)', '({int} % 3)', 'cast({bool} as int)',
        'cast({str} as int)', 'int({dbl})', 'size({arr})', 'coalesce({int}, 0)',
        'case when {bool} then {int} else {int} end', 'case when {bool} then 1 else 0 end', 'if({bool}, {int}, 0)',
        'abs({int})', "instr({str}, 'a')", 'greatest({int}, {int})', 'nvl({int}, -1)', 'ifnull({int}, 0)',
        'case when {bool} then {int} end', '-{int}', 'nullif({int}, 0)', 'try_cast({str} as int)',
        "date_format({ts}, 'HH')", 'extract(month from {date})', 'extract(hour from {ts})',
        "date_part('year', {date})", "cast(date_format({ts}, 'yyyyMMdd') as int)", 'addr.zip', 'lines[0].n',
        "position('o' in {str})", 'case {int} when 1 then 10 when 2 then 20 else {int} end', 'unix_date({date})',
        'char_length({str})', 'decode({int}, 1, 10, 2, 20, 0)', '({int} div 2)', 'mod({int}, 4)',
    ),
    "lng": (
        'cast({int} as bigint)', 'unix_timestamp({ts})', '({lng} + {int})', 'floor({dbl})', 'ceil({dbl})',
        'bigint({ts})', '({lng} * {int})', 'coalesce({lng}, {int})', 'pmod({lng}, 7)', 'xxhash64({str})',
    ),
    "dbl": (
        '({dbl} + {dbl})', '({dbl} * {int})', '({int} / {int})', '({dbl} / {dbl})', 'round({dbl}, 2)',
        'sqrt(abs({dbl}))', 'cast({str} as double)', 'double({int})', 'coalesce({dbl}, 0)', 'coalesce({dbl}, 0.0)',
        'coalesce({dbl}, {int})', 'case when {bool} then {dbl} else 0 end', 'case when {bool} then {dbl} else 0.0 end',
        'if({bool}, {dbl}, 0)', '-{dbl}', 'abs({dbl})', 'greatest({dbl}, {int})', '({dbl} - {int})', '({dbl} * 1.2)',
        'power({dbl}, 2)', 'months_between({date}, {date})', 'nullif({dbl}, 0)', 'nvl({dbl}, 0)', 'price * qty',
        '{int} * 1.0D', '1e0 * {int}', '{dbl} * 100 / 3', "cast(regexp_replace({str}, ',', '') as double)",
        '{lng} / 1000', '{int} * 0.5D',
    ),
    "dec": (
        'cast({int} as decimal(10,2))', 'cast({str} as decimal(12,2))', 'cast({dbl} as decimal(12,2))',
        '({dec} + {dec})', '({dec} - {dec})', 'coalesce({dec}, 0)', 'case when {bool} then {dec} else 0 end',
        'abs({dec})', '1.50', '{dec} + 1.25', '{dec} + 1',
    ),
    "str": (
        'upper({str})', 'lower({str})', 'trim({str})', 'initcap({str})', "concat({str}, '-', {any})",
        "({str} || '/' || {str})", '({str} || {int})', "concat_ws('-', {any}, {any})", 'substring({str}, 1, 3)',
        'substr({str}, 2)', "lpad({str}, 6, '0')", "date_format({ts}, 'yyyy-MM')", 'cast({int} as string)',
        'string({dbl})', 'cast({date} as string)', 'cast({ts} as string)', 'cast({bool} as string)',
        'cast({dec} as string)', "regexp_replace({str}, '[^a-zA-Z0-9]', '')", "regexp_extract({str}, '([a-z]+)', 1)",
        "split({str}, '-')[0]", "coalesce({str}, 'n/a')", "case when {bool} then {str} else 'x' end",
        "case when {bool} then 'a' when {bool} then {str} else '' end", "nvl({str}, '')", 'element_at({arr}, 1)',
        '{arr}[0]', 'addr.city', "attrs['k']", 'attrs.k', "array_join({arr}, ',')", "get_json_object(doc, '$.a')",
        'lines[0].sku', 'left({str}, 3)', 'right({str}, 2)', "replace({str}, 'a', 'b')", 'md5({str})',
        "substring_index({str}, '-', 1)", "format_string('%s-%s', {str}, {int})",
        "concat(year({date}), '-', month({date}))", "case {str} when 'alice' then 'A' else {str} end",
        "trim(both ' ' from {str})", 'substring({str} from 2 for 3)', "if({str} = '', null, {str})",
        "nullif({str}, '')", "translate({str}, 'abc', 'x')", 'coalesce({str}, {int})',
        'coalesce(cast({int} as string), {str})', 'upper({int})', "split_part({str}, '-', 1)",
        "date_format({date}, 'MMM')", 'hex({str})', "to_json(named_struct('a', {str}, 'b', {int}))",
    ),
    "bool": (
        '{int} > {int}', '{int} >= 2', '{dbl} < {dbl}', '{dbl} > 10', '{dbl} > 10.5', '{dbl} = {int}',
        "{str} = 'alice'", '{str} > {str}', "{str} <> ''", '{str} is null', '{int} is not null', '({bool} and {bool})',
        '({bool} or {bool})', 'not ({bool})', "{str} in ('alice', 'BOB', '12')", '{int} in (1, 2, 3)',
        '{int} not in (1, 2)', "{str} like 'a%'", "{str} not like '%o%'", "{str} rlike '^[a-c]'",
        '{int} between 1 and 5', "{date} > '2024-03-01'", "{date} = date '2024-03-05'", "{ts} < '2024-06-01'",
        "{ts} >= timestamp '2024-03-05 12:00:00'", "{date} between '2024-01-01' and '2024-12-31'", '{str} <=> {str}',
        "array_contains({arr}, 'x')", '{dec} > 100', '{dec} > 10.5', '{str} > 5', '{str} = 12', '{dec} > {dec}',
        '{date} < {date}', 'year({date}) = 2024', "{str} ilike '%A%'", '{int} in (select qty from u)',
        'exists (select 1 from u where u.id = t.id)', "{str} not in ('alice', 'bob')", '{lng} > {int}',
        '{dbl} between 1 and 100', "{date} in ('2024-03-05', '2024-01-31')", '{ts} > {date}', 'boolean({int})',
        'length(trim({str})) > 0', "contains({str}, 'o')", "startswith({str}, 'a')", '{str} is distinct from {str}',
        'coalesce({bool}, false)', '{dec} = {int}', '{dbl} = 0.1',
    ),
    "date": (
        'to_date({str})', "to_date({str}, 'yyyy-MM-dd')", 'date_add({date}, 7)', 'date_sub({date}, 3)',
        "trunc({date}, 'month')", 'last_day({date})', 'cast({ts} as date)', 'date({ts})', 'greatest({date}, {date})',
        'case when {bool} then {date} end', "coalesce({date}, date '2024-01-01')", 'add_months({date}, 1)',
        '{date} + interval 1 month', '{date} - interval 7 days', "date '2024-02-29'", 'cast({str} as date)',
        '{date} + 1', "coalesce({date}, '2024-01-01')", 'if({bool}, {date}, null)',
    ),
    "ts": (
        'to_timestamp({str})', "date_trunc('hour', {ts})", "date_trunc('MONTH', {ts})", 'cast({date} as timestamp)',
        'coalesce({ts}, {ts})', 'case when {bool} then {ts} else {ts} end', '{ts} + interval 1 hour',
        '{ts} - interval 2 days', "timestamp '2024-03-05 10:00:00'", 'cast({str} as timestamp)',
        "to_timestamp({str}, 'yyyy-MM-dd HH:mm:ss')", "{ts} + interval '1' day",
    ),
    "arr": (
        "split({str}, ',')", 'array({str}, {str})', 'array_distinct({arr})', 'sort_array({arr})',
        'transform({arr}, x -> upper(x))', "filter({arr}, x -> x <> 'x')", 'slice({arr}, 1, 2)',
        'concat({arr}, {arr})', 'array_union({arr}, {arr})', 'map_keys(attrs)', 'lines.sku',
        "coalesce({arr}, array('q'))", "array_except({arr}, array('x'))",
    ),
}  # fmt: skip
PLAIN = ("int", "str", "date", "str", "dbl", "ts", "bool", "dec", "lng")
_PLACE = re.compile(r"\{(\w+)\}")


class Expressions:
    """Draws expressions by a seed; ``draw`` is for all else that is by chance."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def of(self, kind: str, depth: int, *, sql: bool = False) -> str:
        """An expression of a kind, as SQL or as Python's code, with up to so many templates in one another."""
        if depth <= 0 or self.draw.random() < 0.12:
            column = self.draw.choice(COLUMNS[kind])
            return column if sql else f"F.col('{column}')"
        template = self.draw.choice((OF_SQL if sql else OF_COLUMNS)[kind])

        def inner(found: re.Match[str]) -> str:
            wanted = self.draw.choice(PLAIN) if found[1] == "any" else found[1]
            return self.of(wanted, depth - 1, sql=sql)

        return _PLACE.sub(inner, template)

    def any(self, depth: int, *, sql: bool = False) -> str:
        """An expression of any kind."""
        return self.of(self.draw.choice([*OF_COLUMNS]), depth, sql=sql)
