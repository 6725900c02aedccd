"""From records of a stream to rows, through capture, transform and load, in one process."""

from base64 import b64decode, b64encode

from dynaurora.transform import transform
from support.streams import Streams, captured


def carried(machine, *records, table="items"):
    """Carry one batch of a stream to the rows; what capture and load came to.

    machine: a `LoadMachine`; bodies go to its backup bucket.
    """
    streams = Streams()
    outcome = captured(records, streams, bodies=machine.store)
    names = []
    for _, data in streams.taken:
        (answer,) = transform([{"recordId": "1", "data": b64encode(data).decode()}]).records
        names.append(machine.put(table))
        machine.store.put(names[-1], b64decode(answer["data"]))
    return outcome, machine.load(*names).loaded.get(table)
