"""A worker whose user of MySQL has its two databases, and nothing else of the server."""

from contextlib import contextmanager
from urllib.parse import urlsplit

from support.load import LoadMachine

USER = "loader"


@contextmanager
def loader(machine):
    """Such a worker beside this one; its user is made, and dropped in the end."""
    machine.execute("create database dynaurora")
    machine.execute(f"create user {USER}@localhost identified by 'it''s secret'")
    try:
        for database in (machine.database_name, "dynaurora"):
            machine.execute(f"grant all on {database}.* to {USER}@localhost")
        parts = urlsplit(machine.url)
        url = parts._replace(netloc=f"{USER}:it%27s%20secret@{parts.hostname or ''}").geturl()
        with LoadMachine(url, machine.folder.parent, store=machine.store) as found:
            yield found
    finally:
        machine.execute(f"drop user {USER}@localhost")
