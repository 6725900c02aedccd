"""How a connection to the database is let in: who signs in, and how the server proves who it is.

A password is asked for each connection anew: a token of IAM lasts 15 minutes, a secret may have
been rotated. TLS is verified unless the server is on this machine or the URL says otherwise, and
with a token always, for the server gets that in the clear.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

from dynaurora.errors import SettingsError

CONNECT_TIMEOUT_S: Final = 15
"""Of one attempt. What wakes a paused cluster is the attempt, not how long it lasts
(`dynaurora.adapters.database`)."""

NOT_REACHED: Final = (
    "Check DYNAURORA_DATABASE_URL, the server (is `dynaurora dev` still running?) and the network "
    "between. What a load could not do is done again by itself."
)
NOT_LET_IN: Final = (
    "Check the user, the password and the database in DYNAURORA_DATABASE_URL and its secret. "
    "`dynaurora bootstrap` makes the load's user where it is not there yet."
)
"""What to do about a server that was not reached, and about one that does not know who signs in."""

LOCAL_HOSTS: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in."""

    user: str
    password: str = field(repr=False)


def _as_the_url_says() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Access:
    """login: asked for each connection; None leaves user and password to the URL.

    certificates: a file with those of who may have signed the server's; "" is the driver's own. A
        URL that names one itself is right.
    is_verified: TLS is verified whatever the URL says, and wherever the server is.
    """

    login: Callable[[], Login | None] = _as_the_url_says
    certificates: str = ""
    is_verified: bool = False


BY_URL: Final = Access()


def is_local(url: str) -> bool:
    """Whether the server is on this machine, where nobody listens on the way."""
    parts = urlsplit(url)
    hosts = parse_qs(parts.query).get("host", [parts.hostname or ""])
    return all(host.startswith("/") or host in LOCAL_HOSTS for host in hosts)


def not_trusted(found: str) -> SettingsError:
    """The server did not prove that it is the one that the URL names. Nothing was sent to it."""
    return SettingsError(
        "the database's certificate",
        found,
        "one for the host of DYNAURORA_DATABASE_URL, signed by who DYNAURORA_DATABASE_CA names",
        "For Aurora and RDS that is global-bundle.pem, and the host the cluster's own name "
        "(docs/network.md).",
    )
