"""The kit for authors of plugins: give changes, get rows, in milliseconds.

    from decimal import Decimal

    def test_a_deleted_order_leaves_the_total(plugin):
        orders = plugin("sqlqueries/orders.py")
        orders.put({"order_id": "a", "total": Decimal("1.5")}, {"order_id": "b", "total": 2})
        orders.delete({"order_id": "b"})
        assert orders.rows("select sum(total) from orders") == [(Decimal("1.5"),)]
        orders.assert_idempotent()

``plugin`` is a fixture of pytest, there as soon as Dynaurora is installed with its extra ``local``.
What it gives is a ``Trial``: changes go through the line format, the staging, the arbitration and
the load that run in the Lambda, into a PostgreSQL that the first test starts (docs/testing.md).

fixtures  the fixtures, which alone know pytest
trial     a plugin on trial: changes in, rows and quarantine out
bench     the database that the trials of a test share, and that is emptied between tests
orders    the other orders in which the same changes may arrive
images    Python values as DynamoDB JSON, and back

Names are imported when they are asked for: pytest loads the fixtures in every project of an
environment, also in those that never try a plugin.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["Item", "Loaded", "PluginFixture", "Quarantined", "Trial"]

if TYPE_CHECKING:
    from dynaurora.etl import Loaded
    from dynaurora.testing.bench import PluginFixture
    from dynaurora.testing.images import Item
    from dynaurora.testing.trial import Quarantined, Trial


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dynaurora import etl  # noqa: PLC0415 - see the docstring
    from dynaurora.testing import bench, images, trial  # noqa: PLC0415

    for module in (bench, images, trial, etl):
        if name in module.__dict__:
            return module.__dict__[name]
    raise AttributeError(name)
