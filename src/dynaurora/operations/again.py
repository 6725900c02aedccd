"""Loading lines once more: an ordinary load that comes from no raw object.

They are staged, arbitrated and applied as ever (docs/arbitration.md), so a change that is applied
already, or that a newer one has followed, changes nothing. Only the ledger of objects is left out.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce

from dynaurora.errors import ProjectError
from dynaurora.etl import Loaded, Staged, stage
from dynaurora.intake import still_makes
from dynaurora.metadata import Registration
from dynaurora.model.events import ObjectName
from dynaurora.operations.desk import Desk, metadata_of, plugin_of
from dynaurora.parts import Parts
from dynaurora.portions import load_staged, summed, within_bodies
from dynaurora.ports import StoredObject

Line = tuple[ObjectName, bytes]
"""A line, and the object that it came with, which stays its object in quarantine."""


def registration_to_load(desk: Desk, table: str) -> Registration:
    """A table that is loaded, with its SQL tables made. Raises ``ProjectError`` for another."""
    metadata, plugin = metadata_of(desk), plugin_of(desk, table)
    registration = metadata.registration(table)
    if registration.waits_for(plugin.digest):
        raise ProjectError(
            f"table {table}",
            f"it is parked ({registration.parked_for}), and its objects wait",
            "a table that is loaded",
            f"Mend that first (`dynaurora status`), or `dynaurora unpark {table}`.",
        )
    return metadata.create_tables(plugin, registration, partial(still_makes, desk.plugins))


def staging_again(
    desk: Desk, registration: Registration, once_unreadable: Sequence[bytes] = ()
) -> Callable[[Sequence[StoredObject]], Staged]:
    """Makes rows of objects that are noted nowhere."""
    return partial(
        stage,
        plugin_of(desk, registration.table),
        desk.engine.dialect,
        metadata_of(desk).streams(registration).acceptance(),
        is_noted=False,
        once_unreadable=once_unreadable,
    )


def load_again(
    parts: Parts, table: str, lines: Sequence[Line], once_unreadable: Sequence[bytes] = ()
) -> Loaded:
    """Load lines of one table, in one transaction unless they have many large bodies.

    once_unreadable: those of them that stand in quarantine without a key.
    Raises ``ProjectError`` where the table's objects wait, and what a load raises. Nobody is
    parked for it: who calls is told.
    """
    metadata, registration = metadata_of(parts), registration_to_load(parts, table)
    staging = staging_again(parts, registration, once_unreadable)
    # A newline first: nothing that begins so is taken for gzip.
    objects = [StoredObject(name, "", b"\n" + text) for name, text in lines]
    loads = (
        load_staged(parts, metadata, registration, staged)
        for staged in within_bodies(staging, [objects])
    )
    return reduce(summed, loads, Loaded())
