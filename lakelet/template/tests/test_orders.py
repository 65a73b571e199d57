"""The project's jobs, really run: on an empty stack that goes when the tests are over."""


def test_orders_come_into_silver(lakelet):
    for job in ("orders_load", "orders_silver", "orders_quality"):
        assert lakelet.run("jobs", "submit", job, "--wait")["state"] == "SUCCEEDED"
    rows = lakelet.run("sql", "SELECT month, count(*) AS orders, sum(amount) AS amount FROM silver.orders GROUP BY ALL")
    assert sorted((row["month"], row["orders"], row["amount"]) for row in rows) == [
        (1, 3, 519.75),
        (2, 3, 257.74),
        (3, 1, 260.0),
    ]


def test_an_order_without_amount_is_left_out(lakelet):
    lakelet.check_job("orders_silver")  # jobs/library/orders_silver/fixtures
