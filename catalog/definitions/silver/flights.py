"""silver.flights: its columns, and what has to hold of it before gold is built from it."""

from great_expectations import expectations as gxe

DATABASE = "silver"
TABLE = "flights"
DESCRIPTION = "One row per flight out of New York, typed and without duplicates"
KEY = ["flight_id"]

# (name, Hive type), the partition key last
COLUMNS = [
    ("flight_id", "string"), ("year", "int"), ("day", "int"), ("dep_time", "int"), ("sched_dep_time", "int"),
    ("dep_delay", "double"), ("arr_time", "int"), ("sched_arr_time", "int"), ("arr_delay", "double"),
    ("carrier", "string"), ("flight", "int"), ("tailnum", "string"), ("origin", "string"), ("dest", "string"),
    ("air_time", "double"), ("distance", "double"), ("hour", "int"), ("minute", "int"), ("time_hour", "timestamp"),
    ("month", "int"),
]  # fmt: skip

ALWAYS_KNOWN = (
    "flight_id", "year", "month", "day", "sched_dep_time", "sched_arr_time", "carrier", "flight", "origin", "dest",
    "distance", "hour", "minute", "time_hour",
)  # fmt: skip

# column: lowest and highest value, both allowed; delays in minutes, distances in miles, times as hhmm
RANGES = {
    "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "dep_time": (1, 2400), "arr_time": (1, 2400),
    "dep_delay": (-120, 2880), "arr_delay": (-180, 2880), "air_time": (10, 1200), "distance": (10, 6000),
}  # fmt: skip

EXPECTATIONS = [
    gxe.ExpectTableRowCountToBeBetween(min_value=20_000, max_value=1_000_000),
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in ALWAYS_KNOWN),
    gxe.ExpectColumnValuesToBeUnique(column="flight_id"),
    gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=["EWR", "JFK", "LGA"]),
    gxe.ExpectColumnValuesToMatchRegex(column="carrier", regex=r"^[0-9A-Z]{2}$"),
    gxe.ExpectColumnValuesToMatchRegex(column="dest", regex=r"^[A-Z]{3}$"),
    *(
        gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        for name, (low, high) in RANGES.items()
    ),
    gxe.ExpectColumnValuesToNotBeNull(column="dep_time", mostly=0.9),  # the rest are cancelled
]
