"""Bootstrap: an administrator makes the load's user, which then makes its metadata itself.

So a bootstrap that is done has shown that the load can sign in. Who it signs in as, and how, is
the load's own setting; of the administrator nothing is kept.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from dynaurora.adapters.access import Login
from dynaurora.adapters.database import Database
from dynaurora.errors import SettingsError
from dynaurora.metadata import Metadata
from dynaurora.operations.bootstrap import PUBLIC, Loader, make_loader
from dynaurora.operations.desk import Facts
from dynaurora.settings import DatabaseSettings


def bootstrap(
    database: Database, settings: DatabaseSettings, admin: Login, *, tables_schema: str = PUBLIC
) -> Facts:
    """Make the user of a database's settings, and the metadata. Facts: those of `make_loader`."""
    who = database.loader()
    loader = Loader(
        user=who.user,
        password=who.password,
        is_iam=settings.is_iam,
        database=unquote(urlsplit(settings.url).path[1:]),
        metadata=settings.schema,
        tables_schema=tables_schema,
    )
    if admin.user == loader.user:
        raise SettingsError(
            "the load's user",
            f"is the administrator, {admin.user}",
            "a user of its own",
            "Name another one in DYNAURORA_DATABASE_URL or in its secret.",
        )
    with database.administered(admin) as engine:
        facts = make_loader(engine, loader)
    with database.session() as engine:
        Metadata(engine.connection, engine.queries).create()
    return facts


def bootstrap_asked(
    database: Database, settings: DatabaseSettings, request: Mapping[str, Any]
) -> Facts:
    """The command of the load Lambda: ``{"admin": {"username": …, "password": …}}``.

    The administrator's password comes with the request, so that the load's role needs no right to
    read it (docs/adr/0016-the-administrator-s-password-travels-once.md).
    """
    admin = request.get("admin", {})
    try:
        login = Login(str(admin["username"]), str(admin["password"]))
    except (KeyError, TypeError):
        raise SettingsError(
            "bootstrap", "has no administrator", '{"admin": {"username": …, "password": …}}'
        ) from None
    schema = str(request.get("tables_schema") or PUBLIC)
    return bootstrap(database, settings, login, tables_schema=schema)
