"""dynaurora.toml as it is read: every question names the key, or the variable, that is wrong."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from dynaurora.deploy.keys import BY_RULE, TABLES
from dynaurora.deploy.overrides import Override, from_environment, overlaid
from dynaurora.deploy.own import AURORA_PARAMETERS, NETWORK_PARAMETERS, Own
from dynaurora.errors import ProjectError
from dynaurora.plugins.declarations import suggestion

FILE: Final = "dynaurora.toml"

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A table of the file; every question names the key where its value is wrong."""

    path: str
    values: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, chosen: str, environment: Mapping[str, str]) -> "SettingsFile":
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ProjectError(str(path), str(error), "TOML", "Correct it.") from error
        choices = values.pop("env", {})
        if not isinstance(choices, dict):
            raise ProjectError(
                f"{path}: env", f"is {choices!r}", "tables", "Write [env.NAME] for each of them."
            )
        if chosen and chosen not in choices:
            raise ProjectError(
                str(path),
                f"has no [env.{chosen}]",
                "one of " + ", ".join(choices) if choices else "no --env",
                "Correct --env or DYNAURORA_ENV.",
            )
        for name, choice in choices.items():
            if not isinstance(choice, dict):
                raise ProjectError(
                    f"{path}: env.{name}", f"is {choice!r}", "a table", f"Write [env.{name}]."
                )
            cls(f"{path}: env.{name}", choice).refuse_unknown()
        joined = _over(values, choices[chosen]) if chosen else values
        file = cls(str(path), overlaid(joined, from_environment(BY_RULE, environment)))
        file.refuse_unknown()
        return file

    def refuse_unknown(self) -> None:
        """A key that nobody reads is a spelling mistake that would go unnoticed."""
        self.refuse_others(TABLES[""] | TABLES.keys() - {""})
        for table in TABLES.keys() - {""}:
            self.table(table).refuse_others(TABLES[table])

    def refuse_others(self, known: set[str] | frozenset[str]) -> None:
        for key in self.values:
            if key not in known:
                raise ProjectError(
                    self._where(key),
                    f"is not known{suggestion(key, sorted(known))}",
                    "one of " + ", ".join(sorted(known)),
                    "Correct it.",
                )

    def text(self, key: str) -> str:
        return self._typed(key, str, "", "a text")

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.values.get(key, default)
        if isinstance(value, Override):
            return bool(value.typed(bool))
        if not isinstance(value, bool):
            raise ProjectError(self._where(key), f"is {value!r}", "true or false", "Correct it.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        texts = self._typed(key, list, [], "a list of texts")
        return tuple(str(text) for text in texts)

    def table(self, key: str) -> "SettingsFile":
        return SettingsFile(self._where(key), self._typed(key, dict, {}, "a table"))

    def number(self, key: str) -> int:
        return self._typed(key, int, 0, "a whole number")

    def numbers(self, known: frozenset[str]) -> dict[str, str]:
        self.refuse_others(known)
        return {key: str(self.number(key)) for key in self.values}

    def own(self) -> Own:
        return Own(
            self._parameters("network", NETWORK_PARAMETERS),
            self._parameters("aurora", AURORA_PARAMETERS),
        )

    def own_url(self) -> str:
        """Of the cluster that is asked for, "" for none."""
        own = self.own()
        return own.url if own.aurora is not None else ""

    def _parameters(self, key: str, known: frozenset[str]) -> dict[str, str] | None:
        """Of a template, as CloudFormation takes them; None where the table is missing."""
        if key not in self.values:
            return None
        table = self.table(key)
        table.refuse_others(known)
        return {name: _parameter(value) for name, value in table.values.items()}

    def _typed(self, key: str, kind: type[_Value], default: _Value, expected: str) -> _Value:
        value = self.values.get(key, default)
        if isinstance(value, Override):
            value = value.typed(kind)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ProjectError(self._where(key), f"is {value!r}", expected, "Correct it.")
        return value

    def _where(self, key: str) -> str:
        return f"{self.path}: {key}"


def _parameter(value: Any) -> str:
    """true, a number, a text or a list of texts."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # the templates compare with 0
    return str(value).lower() if isinstance(value, bool) else str(value)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in both is taken from ``above``; tables are joined."""
    joined = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        joined[key] = _over(below[key], value) if both else value
    return joined
