"""Tables: a parked one is loaded again, one is dropped, a new one is registered."""

from collections.abc import Sequence
from functools import partial

from dynaurora.intake import still_makes
from dynaurora.operations.desk import Desk, Facts, metadata_of, plugin_of


def unpark_table(desk: Desk, *, table: str) -> Facts:
    """Let a table's objects be loaded again, and make its SQL tables where they are gone."""
    plugin = plugin_of(desk, table)
    metadata = metadata_of(desk)
    registration = metadata.registration(table)
    if registration.parked_for:
        metadata.unpark(registration)
        made = partial(still_makes, desk.plugins)
        metadata.create_tables(plugin, metadata.registration(table), made)
    return {"table": table, "was": registration.parked_for or None}


def drop_table(desk: Desk, *, table: str) -> Facts:
    """Run the drop list of a table's plugin, raise its generation, and park it."""
    plugin = plugin_of(desk, table)
    metadata = metadata_of(desk)
    reason = f"dropped; `dynaurora unpark {table}` makes its SQL tables anew, empty"
    metadata.drop_tables(plugin, metadata.registration(table), reason)
    generation = metadata.registration(table).generation
    return {"table": table, "dropped": True, "generation": generation}


def create_metadata(desk: Desk) -> Facts:
    """Make what Dynaurora keeps beside the tables, and complete what a version before made."""
    metadata_of(desk).create()
    return {}


def register_stream(desk: Desk, *, table: str, arn: str, table_id: str) -> Facts:
    """Note the stream of a table that is being deployed. Raises ``StreamNotAccepted``.

    is_another: another one was read before, and what changed in between is a gap.
    """
    return {"is_another": metadata_of(desk).register_stream(table, arn, table_id)}


def clear_waiting(desk: Desk, *, tables: Sequence[str]) -> Facts:
    """Unpark those of these tables that waited for their plugin; their names."""
    return {"tables": metadata_of(desk).clear_waiting(tables)}
