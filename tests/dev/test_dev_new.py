"""`dynaurora new` beside `dynaurora dev`: from a table with items to its rows."""

import time

import pytest

from support.program import ROOT, Program

pytestmark = pytest.mark.road

PATIENCE_S = 30


def test_one_command_brings_a_table_from_its_items_to_its_rows(start, capsys):
    with start() as dev:
        dev.create_table("orders", "id")
        for number in range(30):
            dev.put("orders", id=f"o{number}", total=number, status="paid")
        dev.wait_for("orders  has no plugin; this writes one: dynaurora new orders --local")
        before = sorted((ROOT / "sqlqueries").iterdir())

        begin = time.monotonic()
        with Program("new", "orders", "--local", folder=dev.folder) as new:
            assert new.wait() == 0, new.text
        dev.wait_for_rows(
            "select count(*), sum(total), min(status) from orders", [(30, 435, "paid")]
        )
        seconds = time.monotonic() - begin

        assert [path.name for path in dev.plugins.iterdir()] == ["orders.py"]
        assert sorted((ROOT / "sqlqueries").iterdir()) == before
        with capsys.disabled():
            print(f"\nfrom `dynaurora new` to the first rows: {seconds:.1f} s")  # noqa: T201
        assert seconds < PATIENCE_S

        dev.put("orders", id="o30", total=5, status="new")  # and it flows from then on
        dev.wait_for_rows("select sum(total) from orders", [(440,)])
