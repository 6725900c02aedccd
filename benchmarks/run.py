"""Every bench, each beside a floor measured in the same run; ratios, not times, are compared.

make bench                                   all of them, three times alternating
.venv/bin/python benchmarks/run.py --rows 20000 --times 1
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import refusals
import starts
import streams
from measures import Measure

import load
from dynaurora.errors import LocalServerError
from dynaurora.local.mariadb import LocalMariadb
from dynaurora.local.postgresql import LocalPostgresql

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"


def main() -> None:
    """Measure, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="rows of each load")
    parser.add_argument("--times", type=int, default=3, help="how often each is measured")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results go")
    arguments = parser.parse_args()
    found = []
    for measure in _measures(arguments.rows, arguments.times):
        print(measure, flush=True)
        found.append(measure.as_json())
    arguments.output.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to {arguments.output}", file=sys.stderr)


def _measures(rows: int, times: int) -> Iterator[Measure]:
    yield from starts.measure(ROOT, times=max(times, 5))
    yield from streams.measure(_records(20_000), times=times)
    with (
        tempfile.TemporaryDirectory(prefix="dynaurora-bench-") as folder,
        LocalPostgresql(Path(folder) / "postgresql") as server,
    ):
        yield from load.measure(server.url, Path(folder), count=rows, times=times)
        yield from refusals.measure(server.url, Path(folder), count=rows, times=times)
    yield from _mysql_measures(rows, times)


def _mysql_measures(rows: int, times: int) -> Iterator[Measure]:
    with tempfile.TemporaryDirectory(prefix="dynaurora-bench-") as folder:
        server = LocalMariadb(Path(folder) / "mariadb")
        try:
            server.start()
        except LocalServerError as error:
            print(f"MySQL is not measured: {error}", file=sys.stderr)
            return
        with server:
            yield from load.measure(server.url, Path(folder), count=rows, times=times)


def _records(count: int) -> list[dict[str, Any]]:
    """The lines of the load's bench as the records of a stream that they came from."""
    return [
        {
            "eventName": line["op"],
            "eventSourceARN": line["stream"],
            "dynamodb": {
                "ApproximateCreationDateTime": line["at"],
                "Keys": line["keys"],
                "NewImage": line["new"],
                "SequenceNumber": line["seq"],
            },
        }
        for line in load.lines(count)
    ]


if __name__ == "__main__":
    main()
