"""`dynaurora dev`, from the first table to Ctrl-C, as a program."""

import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.road

README = Path(__file__).parents[2] / "README.md"
CUSTOMERS = """
from dynaurora import Table
customers = Table(key="id", columns={"id": "text", "name": "text"})
"""
ORDERS = """
from dynaurora import Table
orders = Table(key="id", columns={"id": "text", "total": "numeric"})
"""
TYPO = ORDERS.replace("numeric", "numric")


def test_a_plugin_that_is_dropped_in_breaks_and_is_mended(start):
    """One story, because starting it is what takes long."""
    (start.plugins / "customers.py").write_text(CUSTOMERS)
    with start() as dev:
        # A plugin whose DynamoDB table comes later.
        dev.wait_for("customers  waits for a DynamoDB table")
        dev.create_table("customers", "id")
        dev.put("customers", id="c1", name="Ada")  # before it can have a stream
        dev.wait_for("customers  connected; its stream was off and is on now")
        dev.wait_for_rows("select id, name from customers", [("c1", "Ada")])

        # A table whose plugin comes later.
        dev.create_table("orders", "id")
        dev.put("orders", id="o1", total=5)
        path = dev.plugin("orders", ORDERS)
        dev.wait_for(f"orders  plugin found: {path}")
        dev.wait_for_rows("select id, total from orders", [("o1", 5)])
        dev.put("orders", id="o2", total=7)
        dev.wait_for_rows("select sum(total) from orders", [(12,)])

        # It breaks: that is told at once, and the others go on.
        dev.plugin("orders", TYPO)
        dev.wait_for(r'orders  broken: .*orders.py:3:.*no type "numric"; did you mean "numeric"')
        dev.put("orders", id="o3", total=1)
        dev.put("customers", id="c2", name="Grace")
        dev.wait_for_rows("select count(*) from customers", [(2,)])
        dev.wait_for("orders  its changes wait in S3")

        # It is mended: what waited arrives.
        dev.plugin("orders", ORDERS)
        dev.wait_for("orders  plugin mended")
        dev.wait_for_rows("select sum(total) from orders", [(13,)])
        dev.client("dynamodb").delete_item(TableName="orders", Key={"id": {"S": "o1"}})
        dev.wait_for_rows("select count(*) from orders", [(2,)])
        dev.wait_for(r"orders  \d+ changes? \(1 delete\) arrived; 2 items")

        # The database refuses a statement: that is told before anything has to arrive.
        index = "create index if not exists by_nothing on customers (nothing)"
        tables = f"create_table_queries = [customers, '{index}']\n"
        dev.plugin("customers", CUSTOMERS + tables)
        dev.wait_for(r'customers  .*create_table_queries\[1\].*"nothing" does not exist')

        assert dev.stop(signal.SIGINT) == 0
        assert "Traceback" not in dev.text
        assert dev.left() == []
        assert list(dev.folder.glob("dynaurora-*")) == []


def test_a_kept_folder_goes_on_where_it_was(start, tmp_path, local_engine):
    data = tmp_path / "data"
    (start.plugins / "orders.py").write_text(ORDERS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with start("--data", data, "--port", port, "--engine", local_engine) as dev:
        dev.create_table("orders", "id")
        dev.wait_for("orders  connected")
        for number in range(5):
            dev.put("orders", id=f"o{number}", total=number)
        dev.wait_for_rows("select count(*) from orders", [(5,)])
        assert dev.stop(signal.SIGTERM) == 0
    with socket.create_server(("127.0.0.1", port)), start("--data", data) as dev:
        assert not dev.variables()["AWS_ENDPOINT_URL"].endswith(f":{port}")
        dev.wait_for_rows("select count(*) from orders", [(5,)])
        dev.put("orders", id="o9", total=9)
        dev.client("dynamodb").delete_item(TableName="orders", Key={"id": {"S": "o1"}})
        dev.wait_for_rows("select count(*), sum(total) from orders", [(5, 18)])
        dev.put("orders", id="late", total=1)  # and Ctrl-C at once
        assert dev.stop() == 0
        dev.wait_for("orders  .*arrived; 6 items")
        assert dev.left() == []


def test_the_folder_that_the_readme_makes_is_a_project(start, tmp_path):
    shop = tmp_path / "shop"
    (made,) = re.findall(r"^(mkdir .*) && cd ../shop$", README.read_text(), re.MULTILINE)
    subprocess.run(["sh", "-c", made.replace("../shop", str(shop))], cwd=README.parent, check=True)
    with start("--project-dir", shop) as dev:
        dev.plugin("orders", ORDERS)
        dev.wait_for("orders  plugin found")
