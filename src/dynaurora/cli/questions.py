"""Questions to a person, on stderr.

click takes Ctrl-C at a question for a no. Here it is the interruption that it is everywhere else.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import click


def confirmed(question: str) -> bool:
    """The answer, which is no where nothing is typed."""
    with _interruptible():
        return click.confirm(question, err=True)


def agree(question: str) -> None:
    """Go on with a yes alone; a no ends the command with 1."""
    if not confirmed(question):
        raise click.Abort


def typed(question: str) -> str:
    with _interruptible():
        return str(click.prompt(question, err=True))


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except click.Abort as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise  # there is nobody any more who could answer
        click.echo(err=True)
        raise KeyboardInterrupt from None
