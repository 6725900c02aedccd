"""How a preview is told: to people as SQL and a coloured diff, to programs as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from dynaurora.cli.output import result_console

if TYPE_CHECKING:
    from dynaurora.metadata import Entry
    from dynaurora.operations.differences import Difference, Row
    from dynaurora.operations.preview import Preview, Told

_VALUE_CHARACTERS: Final = 60
_LINE_CHARACTERS: Final = 300
_ADDED, _CHANGED, _REMOVED = "green", "yellow", "red"


def print_preview(preview: "Preview", limit: int, *, is_sql: bool, is_json: bool) -> None:
    """On stdout. limit: rows of each table and kind; JSON has all of them."""
    if is_json:
        click.echo(json.dumps(_facts(preview), ensure_ascii=False))
        return
    console = result_console()
    lines = _sql(preview) if is_sql else _everything(preview, limit)
    for line in lines:
        console.print(line, soft_wrap=True)


def _everything(preview: "Preview", limit: int) -> Iterator[Text]:
    yield from _sql(preview)
    for difference in preview.differences:
        yield from _difference(difference, limit)
    yield from _quarantined(preview.quarantined, limit)
    yield from _unmapped(preview.unmapped)
    if preview.parked_for:
        yield Text(f"The table is parked ({preview.parked_for}): its objects wait.\n", "yellow")
    yield _summary(preview)


def _sql(preview: "Preview") -> Iterator[Text]:
    """As a script that may be copied: what is said of a statement is a comment."""
    for statements in (preview.created, preview.statements):
        for number, told in enumerate(statements, 1):
            yield Text(f"-- {told.kind} {number} of {len(statements)}: {_told(told)}", "dim")
            yield Text(f"{_dedented(told.statement)};\n", "cyan")


def _told(told: "Told") -> str:
    rows = f"{_count(told.touched, 'row')}, " if told.kind == "insert" else ""
    runs = f" in {told.runs} runs" if told.runs > 1 else ""
    return f"{rows}{told.seconds * 1000:,.2f} ms{runs}"


def _dedented(statement: str) -> str:
    """Without the indentation that it has in its file."""
    from inspect import cleandoc

    return cleandoc(statement)


def _difference(difference: "Difference", limit: int) -> Iterator[Text]:
    counts = {
        "added": len(difference.added),
        "changed": len(difference.changed),
        "removed": len(difference.removed),
    }
    if not difference.is_compared:
        yield Text.assemble((difference.table, "bold"), ": too large to be compared as a whole\n")
        return
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    yield Text.assemble((difference.table, "bold"), f": {told or 'stays as it is'}")
    columns = difference.columns
    added = [Text(f"  + {_row(columns, row)}", _ADDED) for row in difference.added]
    changed = [_changed(difference, was, now) for was, now in difference.changed]
    removed = [Text(f"  - {_row(columns, row)}", _REMOVED) for row in difference.removed]
    for rows in (added, changed, removed):
        yield from rows[:limit]
        if len(rows) > limit:
            yield Text(f"    and {len(rows) - limit:,} more", "dim")
    yield Text()


def _row(columns: Sequence[str], row: "Row") -> str:
    return ", ".join(f"{name} = {_value(v)}" for name, v in zip(columns, row, strict=True))


def _changed(difference: "Difference", was: "Row", now: "Row") -> Text:
    """Which row it is, and the columns that change."""
    key, parts = [], []
    for name, before, after in zip(difference.columns, was, now, strict=True):
        if name in difference.key:
            key.append(f"{name} = {_value(after)}")
        elif before != after:
            parts.append(f"{name} = {_value(before)} → {_value(after)}")
    return Text(f"  ~ {', '.join(key)}: {', '.join(parts)}", _CHANGED)


def _value(value: str | None) -> str:
    if value is None:
        return "NULL"
    shown = value.replace("\n", "\\n")
    return shown if len(shown) <= _VALUE_CHARACTERS else f"{shown[: _VALUE_CHARACTERS - 1]}…"


def _quarantined(entries: "Sequence[Entry]", limit: int) -> Iterator[Text]:
    if not entries:
        return
    yield Text.assemble(("quarantine", "bold"), f": {_count(len(entries), 'change')}")
    for entry in entries[:limit]:
        code = f" ({entry.code})" if entry.code else ""
        yield Text(f"  ! {entry.reason}: {entry.message}{code}", "magenta")
        yield Text(f"    {_item(entry.line)[:_LINE_CHARACTERS]}", "dim")
    if len(entries) > limit:
        yield Text(f"    and {len(entries) - limit:,} more", "dim")
    yield Text()


def _item(text: bytes) -> str:
    """What was to be put or deleted; the line itself where that cannot be read."""
    from dynaurora.errors import LineUnreadable
    from dynaurora.model.lines import decode_line

    try:
        line = decode_line(text)
    except LineUnreadable:
        return text.decode(errors="replace")
    return json.dumps(line.get("new", line["keys"]), ensure_ascii=False)


def _unmapped(unmapped: Mapping[str, int]) -> Iterator[Text]:
    from dynaurora.plugins.contract import NO_TABLE

    listed = [f"{name} ({n:,})" for name, n in sorted(unmapped.items()) if name != NO_TABLE]
    if listed:
        yield Text(f"No column reads {', '.join(listed)}.\n", "dim")
    if NO_TABLE in unmapped:
        yield Text(f"No table takes {_count(unmapped[NO_TABLE], 'item')}.\n", "dim")


def _summary(preview: "Preview") -> Text:
    loaded = preview.loaded
    refused = loaded.quarantined + loaded.unreadable
    is_known = loaded.superseded and not (loaded.applied or refused)
    return Text.assemble(
        (f"{preview.plugin.table}: ", "bold"),
        f"{_count(loaded.lines, 'change')}; {loaded.applied:,} would be applied, "
        f"{loaded.superseded:,} superseded, {refused:,} quarantined. Nothing was done.",
        "\nAll of them are loaded already: --as-new shows what they did." if is_known else "",
    )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s'[: number != 1]}"


def _facts(preview: "Preview") -> dict[str, Any]:
    loaded = preview.loaded
    return {
        "table": preview.plugin.table,
        "plugin": str(preview.plugin.path),
        "changes": {
            "lines": loaded.lines,
            "applied": loaded.applied,
            "superseded": loaded.superseded,
            "quarantined": loaded.quarantined + loaded.unreadable,
        },
        "statements": [
            {
                "kind": told.kind,
                "sql": told.statement,
                "rows": told.touched,
                "runs": told.runs,
                "ms": round(told.seconds * 1000, 3),
            }
            for told in (*preview.created, *preview.statements)
        ],
        "tables": [_table_facts(difference) for difference in preview.differences],
        "quarantined": [
            {
                "reason": entry.reason,
                "message": entry.message,
                "code": entry.code,
                "line": entry.line.decode(errors="replace"),
            }
            for entry in preview.quarantined
        ],
        "unmapped": dict(preview.unmapped),
        "parked_for": preview.parked_for,
    }


def _table_facts(difference: "Difference") -> dict[str, Any]:
    def named(row: "Row") -> dict[str, str | None]:
        return dict(zip(difference.columns, row, strict=True))

    return {
        "table": difference.table,
        "is_compared": difference.is_compared,
        "added": [named(row) for row in difference.added],
        "changed": [{"before": named(b), "after": named(a)} for b, a in difference.changed],
        "removed": [named(row) for row in difference.removed],
    }
