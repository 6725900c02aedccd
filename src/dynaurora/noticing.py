"""Noticing: what the pipeline itself can know to be missing becomes a gap, once, with an alarm.

    (errors)/ in the raw bucket          ─► undelivered
    aws/lambda/ in the backup bucket     ─► given_up
    an object that is gone and not known ─► vanished

Most of what is listed was noticed before: a thousand names cost one listing and one query.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from dynaurora.errors import ChangeError
from dynaurora.log import log
from dynaurora.metadata import Gaps, Notice
from dynaurora.metadata.gaps import GapKind
from dynaurora.model.events import ObjectName
from dynaurora.model.leftovers import GIVEN_UP_FOLDER, given_up
from dynaurora.ports import ObjectStore

AT_ONCE: Final = 1000
"""Names that are looked up together: as many as S3 lists in one answer.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""

_Name = TypeVar("_Name")


def notice_undelivered(gaps: Gaps, names: Iterable[ObjectName]) -> None:
    """Note objects below ``(errors)/``, whose next folders are the table and the error's type."""
    for new in _new(gaps, "undelivered", names):
        _, table, condition, *_ = [*new.key.split("/"), "", ""]
        _note(gaps, Notice("undelivered", table, new, condition))


def notice_given_up(
    gaps: Gaps, store: ObjectStore, backup_bucket: str, has_time: Callable[[], bool]
) -> None:
    """Note what the streams' mappings gave up, while there is time; the next sweep goes on."""
    names = store.list_older(backup_bucket, GIVEN_UP_FOLDER, 0)
    for new in _new(gaps, "given_up", names):
        if not has_time():
            return
        stored = store.read(new)
        if stored is not None:
            _note(gaps, _given_up(new, stored.data))


def notice_vanished(gaps: Gaps, name: ObjectName) -> None:
    """Note an object that was gone before it was loaded: the one loss with nothing left of it."""
    _note(gaps, Notice("vanished", name.table, name))


def _given_up(name: ObjectName, data: bytes) -> Notice:
    try:
        found = given_up(data, name.key)
    except ChangeError:
        return Notice("given_up", "", name, "unreadable")
    return Notice("given_up", found.table, name, found.condition, found.changes)


def _new(gaps: Gaps, kind: GapKind, names: Iterable[ObjectName]) -> Iterator[ObjectName]:
    for together in _portions(names):
        yield from gaps.unknown(kind, together)


def _portions(names: Iterable[_Name]) -> Iterator[Sequence[_Name]]:
    left = iter(names)
    while together := list(islice(left, AT_ONCE)):
        yield together


def _note(gaps: Gaps, notice: Notice) -> None:
    if gaps.add(notice):
        log(
            "error",
            _SAID[notice.kind],
            alarm="vanished" if notice.kind == "vanished" else "gap",
            table=notice.table,
            object=notice.object.key,
            condition=notice.condition,
            changes=notice.changes,
        )


_SAID: Final = {
    "undelivered": "Firehose could not deliver changes",
    "given_up": "the stream's mapping gave changes up",
    "vanished": "an object vanished before it was loaded",
}
