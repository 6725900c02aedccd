"""The claim check: a change too large for a Firehose record leaves its body in S3.

    line ─► body     Oversize/<table>/yyyy/MM/dd/<SequenceNumber>-<SHA-256>.json.gz in the backup
         └► pointer  the line without its image, and with the claim to its body (`lines.pointer_to`)

The body is the whole line as gzip. Its name is made of what it holds: a change that is delivered
again writes the same object, and one that comes in other bytes (DynamoDB does not order the
attributes of an image) writes another, so that every pointer keeps the body that it was made for.
"""

import re
import zlib
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypedDict

from dynaurora.errors import BodyRefused, LineUnreadable

OVERSIZE_FOLDER: Final = "Oversize"
"""Where the backup bucket keeps the bodies."""

_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,1024}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_GZIP: Final = 31  # https://docs.python.org/3/library/zlib.html#zlib.compress (wbits)
_LEVEL: Final = 1
"""docs/adr/0007: what is large because DynamoDB JSON is wordy is small again at the first level."""


class Claim(TypedDict):
    """Where the body is, and how it is known. ``bytes`` and ``sha256`` are of the unpacked line."""

    object: str
    bytes: int
    sha256: str


def claim_to(table: str, sequence_number: str, at: int, body: bytes) -> Claim:
    """The claim to a body. at: seconds since 1970; it names the folder of the day, in UTC."""
    day = datetime.fromtimestamp(at, UTC)
    digest = sha256(body).hexdigest()
    folder = f"{OVERSIZE_FOLDER}/{table}/{day:%Y/%m/%d}"
    return {
        "object": f"{folder}/{sequence_number}-{digest}.json.gz",
        "bytes": len(body),
        "sha256": digest,
    }


def packed(body: bytes) -> bytes:
    """A body as it is stored: the same bytes for the same body."""
    return zlib.compress(body, _LEVEL, wbits=_GZIP)


def unpacked(claim: Claim, data: bytes | None) -> bytes:
    """The body that a claim names.

    data: the stored object, or None where there is none. No more is unpacked than the claim says.
    Raises ``BodyRefused``.
    """
    where = claim["object"]
    if data is None:
        raise BodyRefused(where, "it is not in the backup bucket", "the body of the change")
    try:
        body = zlib.decompressobj(wbits=_GZIP).decompress(data, claim["bytes"] + 1)
    except zlib.error:
        raise BodyRefused(where, "it is no gzip", "the body of the change") from None
    if len(body) != claim["bytes"]:
        found = "more" if len(body) > claim["bytes"] else f"{len(body):,}"
        raise BodyRefused(where, f"it has {found} bytes", f"{claim['bytes']:,}")
    if sha256(body).hexdigest() != claim["sha256"]:
        raise BodyRefused(where, "its SHA-256 is another one", "that of the pointer")
    return body


def check_claim(table: str, claim: Any) -> None:
    """Raise ``LineUnreadable`` for what is no claim to a body of the table."""
    is_claim = (
        isinstance(claim, dict)
        and isinstance(claim.get("object"), str)
        and isinstance(claim.get("bytes"), int)
        and isinstance(claim.get("sha256"), str)
    )
    if not is_claim:
        raise LineUnreadable(
            "claim", "a field is missing or of another type", "object, bytes and sha256"
        )
    name = claim["object"]
    if not name.startswith(f"{OVERSIZE_FOLDER}/{table}/") or not _NAME.fullmatch(name):
        raise LineUnreadable(
            "claim", "its object is none of the table", f"one below {OVERSIZE_FOLDER}/{table}/"
        )
    if claim["bytes"] <= 0 or not _SHA256.fullmatch(claim["sha256"]):
        raise LineUnreadable("claim", "it names no body", "a size and a SHA-256 in hex")
