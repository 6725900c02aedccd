"""The certificates of who may have signed the database's: the project's file, or for RDS AWS's.

AWS offers one file for all Regions, of which it publishes no checksum. It is fetched over TLS that
is verified with the certificates of this machine, kept, and travels with the load.
"""

import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from dynaurora.deploy.project import Project
from dynaurora.errors import ProjectError

SOURCE: Final = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html"""

IN_THE_ZIP: Final = "certificates.pem"

_RDS: Final = ".rds.amazonaws.com"
_OWNER: Final = "Amazon Web Services"
_TIMEOUT_S: Final = 20


def _of_aws() -> bytes:
    with urlopen(SOURCE, timeout=_TIMEOUT_S) as answer:
        return bytes(answer.read())


def setting_of(project: Project) -> str:
    """What the load is told of the file (DYNAURORA_DATABASE_CA); an emulator's reads it itself."""
    given = project.database.certificates
    if given and project.is_local:
        return given
    return IN_THE_ZIP if given or _is_rds(project) else ""


def certificates_of(project: Project, fetch: Callable[[], bytes] = _of_aws) -> Path | None:
    """The file, fetched once; None leaves the choice to the driver."""
    if project.database.certificates:
        return _given(Path(project.database.certificates))
    if not _is_rds(project):
        return None
    kept = project.root / ".dynaurora" / "global-bundle.pem"
    if not kept.is_file():
        _keep(_fetched(kept, fetch), kept)
    return kept


def _given(path: Path) -> Path:
    if not path.is_file():
        raise ProjectError(str(path), "is not there", "certificates (DYNAURORA_DATABASE_CA)")
    return path


def _is_rds(project: Project) -> bool:
    """Whether the server is one of RDS and its URL names no file itself."""
    if project.is_local:
        return False
    parts = urlsplit(project.database.url)
    is_named = parse_qs(parts.query).keys() & {"sslrootcert", "ssl_ca"}
    is_ours = project.own.aurora is not None
    return is_ours or bool((parts.hostname or "").endswith(_RDS) and not is_named)


def _fetched(kept: Path, fetch: Callable[[], bytes]) -> bytes:
    by_hand = f"Or fetch {SOURCE} yourself and put it to {kept}."
    try:
        found = fetch()
    except OSError as error:
        raise ProjectError(
            SOURCE,
            f"cannot be fetched: {error}",
            "the certificates with which the load verifies the database",
            f"Look at the network and deploy again. {by_hand}",
        ) from error
    if not _is_of_aws(found):
        raise ProjectError(
            SOURCE, "is not what it should be", f"certificates of {_OWNER}", f"Try again. {by_hand}"
        )
    return found


def _is_of_aws(found: bytes) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=found.decode("ascii"))
    except (ValueError, ssl.SSLError):
        return False
    owners = [dict(pair for part in one["subject"] for pair in part) for one in _all(context)]
    return bool(owners) and all(
        str(owner.get("organizationName", "")).startswith(_OWNER) for owner in owners
    )


def _all(context: ssl.SSLContext) -> list[dict[str, tuple[tuple[tuple[str, str], ...], ...]]]:
    return context.get_ca_certs()  # type: ignore[return-value] # https://docs.python.org/3/library/ssl.html#ssl.SSLSocket.getpeercert


def _keep(found: bytes, kept: Path) -> None:
    """Written aside and renamed: what is there under its name is whole."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as aside:
        aside.write(found)
    Path(aside.name).rename(kept)
