"""Operations on a load machine: what `dynaurora` does, without the command line."""

from contextlib import contextmanager

from dynaurora.commands import run_command


@contextmanager
def parts_of(machine):
    with machine.database.session() as engine:
        yield machine.parts(engine)


def done(machine, command, **arguments):
    """The facts that a command answers."""
    with parts_of(machine) as parts:
        return run_command(parts, {"command": command, **arguments})
