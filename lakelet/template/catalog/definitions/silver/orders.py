"""silver.orders: its columns, and what has to hold of its rows."""

from great_expectations import expectations as gxe

DATABASE = "silver"
TABLE = "orders"
KEY = ["order_id"]

# (name, Hive type), the partition key last
COLUMNS = [
    ("order_id", "bigint"), ("ordered_on", "date"), ("customer", "string"), ("country", "string"), ("amount", "double"),
    ("month", "int"),
]  # fmt: skip

EXPECTATIONS = [
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name, _ in COLUMNS),
    gxe.ExpectColumnValuesToBeUnique(column="order_id"),
    gxe.ExpectColumnValuesToBeBetween(column="amount", min_value=0),
    gxe.ExpectColumnValuesToMatchRegex(column="country", regex=r"^[A-Z]{2}$"),
]
