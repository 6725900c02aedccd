"""Ask the load Lambda to load what waits: after a deploy, a changed plugin, an unparked table."""

from collections.abc import Iterable

from dynaurora.adapters.aws import Client
from dynaurora.deploy.load_function import LoadFunction
from dynaurora.deploy.project import Project


def sweep_now(project: Project, client: Client, tables: Iterable[str]) -> None:
    """Load the waiting objects of these tables, without waiting until it is done."""
    function = LoadFunction(project, client)
    for table in tables:
        function.send("sweep", table=table)
