"""The process that runs plugins for an inspection (`dynaurora.plugins.inspection`).

It reads ``[table, path]`` line by line and answers each with a line. A plugin that reads or prints
must not get into that talk, so the real streams are put aside before any plugin is run.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit, setrlimit
from typing import Final, cast

from dynaurora.errors import PluginError
from dynaurora.plugins.contract import Engine, Plugin
from dynaurora.plugins.expressions import expressions
from dynaurora.plugins.inspection import READY, Inspected, Problem, encoded, problem_of
from dynaurora.plugins.loading import Reading, finding_error, read_plugin
from dynaurora.plugins.overlaps import overlaps
from dynaurora.plugins.relations import relations_used
from dynaurora.plugins.rules import Finding, Written, created_index, findings
from dynaurora.plugins.statements import dialect_of

_MOST_BYTES: Final = 2 << 30
"""Of memory: a plugin that fills it must not take the machine along."""


def main(engine: Engine) -> None:
    """Answer until the parent closes its end."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    _limit_memory()
    answers.write(READY)
    for line in requests:
        table, path = json.loads(line)
        answers.write(encoded(inspect_file(table, Path(path), engine)))


def _limit_memory() -> None:
    """Where the system can: macOS cannot."""
    _, hard = getrlimit(RLIMIT_AS)
    limit = _MOST_BYTES if hard == RLIM_INFINITY else min(hard, _MOST_BYTES)
    with suppress(ValueError, OSError):
        setrlimit(RLIMIT_AS, (limit, hard))


def inspect_file(table: str, path: Path, engine: Engine) -> Inspected:
    """Run one plugin and check every rule."""
    try:
        reading = read_plugin(path, table, engine)
    except PluginError as error:
        return Inspected(table, path, problems=(problem_of(error),))
    plugin = reading.plugin
    indexes = Counter(_indexes(plugin))
    problems = (*_problems(path, reading), *_indexes_made_twice(path, indexes))
    return Inspected(
        table=table,
        path=path,
        digest=plugin.digest,
        problems=tuple(sorted(problems, key=lambda problem: _position(problem.where))),
        sql_tables=plugin.sql_tables,
        indexes=tuple(indexes),
        is_row_wise=plugin.is_row_wise,
        relations=relations_used(plugin),
    )


def _problems(path: Path, reading: Reading) -> list[Problem]:
    in_expressions = _in_statements(path, reading, tuple(expressions(reading.plugin)))
    return [
        *_in_statements(path, reading, reading.written),
        *dict.fromkeys(in_expressions),  # several tables may read one
        *_overlaps(path, reading),
    ]


def _in_statements(path: Path, reading: Reading, written: Sequence[Written]) -> list[Problem]:
    found = [finding for statement in written for finding in findings(statement)]
    problems = [_problem(path, reading, finding) for finding in found]
    try:
        found = _verified(reading.plugin, written)
        return [*problems, *(_problem(path, reading, finding) for finding in found)]
    except Exception as error:  # noqa: BLE001 - our rules' fault must not stop a plugin
        message = f"its SQL was not verified ({type(error).__name__}: {error})"
        remedy = "Please report this; `dynaurora check --database URL` decides meanwhile."
        why = Problem(str(path), message, remedy, is_error=False, is_undecided=True)
        return [*problems, why]


def _verified(plugin: Plugin, written: Sequence[Written]) -> list[Finding]:
    """The parser takes 0.2 s to import, and nobody asks it about what a declaration stands for."""
    if not written:
        return []
    from dynaurora.plugins.verification import verify  # noqa: PLC0415 - see above

    return list(verify(plugin, written))


def _overlaps(path: Path, reading: Reading) -> Iterator[Problem]:
    for found in overlaps(reading.plugin):
        from dynaurora.plugins.places import Source, where  # noqa: PLC0415 - for what is wrong

        place = Source(reading.data).table_or_rows(found.other)
        yield Problem(
            where(path, *place),
            f"{found.one} and {found.other} both take {found.taken}: an item lands in both",
            "Say in one of them by what it differs, if that is not meant.",
            is_error=False,
        )


def _indexes(plugin: Plugin) -> list[str]:
    """Those that share their names with others."""
    if dialect_of(plugin.engine).has_index_names_per_table:
        return []
    found = (created_index(statement, plugin.engine) for statement in dict.fromkeys(plugin.create))
    return [name for name in found if name]


def _indexes_made_twice(path: Path, indexes: Mapping[str, int]) -> Iterator[Problem]:
    for name, count in indexes.items():
        if count > 1:
            yield Problem(
                str(path),
                f'index "{name}" is made twice, of different columns: the second would be left out',
                "Write one of them into create_table_queries, under another name.",
            )


def _position(where: str) -> list[int]:
    """The line and the column of a place, as numbers."""
    return [int(part) for part in where.split(":")[1:] if part.isdigit()]


def _problem(path: Path, reading: Reading, finding: Finding) -> Problem:
    if finding.written in reading.written:
        at = finding_error(path, reading.data, finding).where
    else:
        from dynaurora.plugins.places import Source, where  # noqa: PLC0415 - for what is wrong

        at = where(path, *Source(reading.data).expression(finding.written.text, finding.offset))
    return Problem(at, finding.found, finding.remedy, finding.is_error, finding.is_undecided)


if __name__ == "__main__":
    main(cast("Engine", sys.argv[1]))
