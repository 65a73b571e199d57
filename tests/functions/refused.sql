-- What Sail answers otherwise than Spark: each is refused by name.
asinh(d)
hypot(d, i)
ceil(d, 1)
floor(d, -1)
bround(i, -1)
pmod(dec, 3.0)
width_bucket(cast(d as float), 0, 100, 10)
format_string('%s %s', s, d)
format_string('%.2f', d)
format_string('%s', ts)
format_string('%d|%s', i, b)
format_string('%10s|', s)
format_string(g, s)
split(s, g)
to_binary('abcd', 'hex')
try_to_binary('YQ==', 'base64')
to_csv(named_struct('a', i, 'd', d))
from_json(s, 'a int')
json_array_length(s)
json_object_keys(s)
parse_url(s, 'PATH')
get_json_object('{"a":[{"b":1},{"b":2}]}', '$.a[*].b')
dt + interval 1 hour
dt - interval '1 10' day to hour
array_join(array(d), ',')
try_to_timestamp(i)
to_timestamp_ltz(i)
format_string('%s', cast(1e-9 as decimal(20,10)))
left(cast(s as binary), 1)
dt + interval -2 hours
dt - interval '30 hours'
left(s, cast(rand() * 3 as int))
current_date() - dt
dt - current_date
(dt) - (dt)
array(dt, dt)[0] - array(dt, dt)[1]
dt - case when i > 0 then dt else dt end
dt + make_dt_interval(0, 5)
dt + (interval 5 hours)
dt + interval 1 day + interval 2 hours
interval 2 hours + dt
max(dt) over () + interval 2 hours
array(dt)[0] + interval 2 hours
substring(s from null)
regexp_replace(concat(s, '😀'), '', '-')
mask('a😀B', 'X', 'x', 'n', '-')
from_utc_timestamp(timestamp'2101-07-01 00:00:00', 'Europe/Berlin')
to_utc_timestamp(timestamp'2101-07-01 00:00:00', 'Europe/Berlin')
regexp_replace('axb', 'x*', '-')
regexp_replace(s, '\\s*$', '-')
regexp_replace('abc', '.*', 'X')
split('axxb', 'x*')
regexp_count(s, '[a-z]*')
regexp_extract_all('a1b22', '(\\d*)', 1)
regexp_count('abc', if(i > 0, 'b*', 'c?'))
`dt` - `dt`
`dt` + interval 1 hour
dt + (length(s) * interval 1 day)
dt - -interval 1 hour
dt + if(i > 0, interval 1 hour, interval 2 hours)
schema_of_variant(parse_json('{"a":1.5}'))
row_number() over (order by d, id)
count(*) over (partition by d)
date_format(ts, 'F')
date_format(ts, 'yyyy zzzz')
date_format(ts, if(id > 3, 'F', 'y'))
date_format(date_add(date '9999-12-31', id), 'yyyy')
from_unixtime(253402300800)
to_json(struct(date_add(date '9999-12-31', id)))
cast('epoch' as timestamp)
'now'::timestamp
to_date('today')
to_timestamp('epoch')
cast(if(id > 3, '١٢', '1') as decimal(5, 2))
regexp_extract(s, '(a*)*b', 1)
cast(i as binary)
