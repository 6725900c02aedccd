"""What the environment says over dynaurora.toml, by the names of its keys.

[alarms]
email = …          DYNAURORA_ALARMS_EMAIL=…
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dynaurora.errors import SettingsError

_NAMED: Final = {"region": "AWS_REGION", "database.schema": "DYNAURORA_SCHEMA"}
"""Those that have another name than the rule gives."""

_BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Override:
    """A value as text; of which type it is, who reads it says. source: the variable."""

    text: str
    source: str

    def __str__(self) -> str:
        return self.text

    def typed(self, kind: type) -> Any:
        """Raises ``SettingsError`` for a text that is none of this type."""
        if kind is list:
            return [part.strip() for part in self.text.split(",") if part.strip()]
        if kind is bool:
            if self.text.lower() not in _BOOLEANS:
                raise SettingsError(self.source, f'is "{self.text}"', "1 or 0", "Correct it.")
            return _BOOLEANS[self.text.lower()]
        if kind is int:
            if not self.text.removeprefix("-").isdecimal():
                raise SettingsError(
                    self.source, f'is "{self.text}"', "a whole number", "Correct it."
                )
            return int(self.text)
        return self.text


def variable_of(key: str) -> str:
    """The variable of a key of the file, as ``alarms.email``.

    >>> variable_of("alarms.email"), variable_of("sizes.BufferSeconds")
    ('DYNAURORA_ALARMS_EMAIL', 'DYNAURORA_SIZES_BUFFERSECONDS')
    """
    return _NAMED.get(key) or f"DYNAURORA_{key.replace('.', '_').upper()}"


def from_environment(known: Iterable[str], environment: Mapping[str, str]) -> dict[str, Override]:
    """What the environment says, by key."""
    named = {key: variable_of(key) for key in known}
    said = {key: environment.get(variable, "").strip() for key, variable in named.items()}
    return {key: Override(text, named[key]) for key, text in said.items() if text}


def overlaid(values: Mapping[str, Any], overrides: Mapping[str, Override]) -> dict[str, Any]:
    """The values of the file with these in their places."""
    joined = dict(values)
    for key, override in overrides.items():
        table, dot, name = key.partition(".")
        if not dot:
            joined[key] = override
        elif isinstance(joined.get(table, {}), dict):  # else the file is refused for it
            joined[table] = {**joined.get(table, {}), name: override}
    return joined
