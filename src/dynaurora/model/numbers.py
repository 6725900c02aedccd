"""DynamoDB's numbers, exactly: text in, text out, no float and no rounding anywhere.

A number has up to 38 significant digits and a magnitude from 1E-130 to 9.99…E+125.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from dynaurora.errors import ValueRefused

_NUMBER: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?", re.ASCII)
_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_ZEROS: Final = "0"


@dataclass(frozen=True, slots=True)
class Number:
    """sign x digits x 10^exponent, with no zero at either end of ``digits`` ("" is zero)."""

    is_negative: bool
    digits: str
    exponent: int

    @property
    def scale(self) -> int:
        """How many digits stand after the point."""
        return max(0, -self.exponent)

    @property
    def integer_digits(self) -> int:
        """How many digits stand before the point."""
        return max(0, len(self.digits) + self.exponent)

    def canonical(self) -> str:
        """One spelling per number: ``1``, ``1.0`` and ``1E0`` are ``1e0``."""
        return f"{'-' if self.is_negative else ''}{self.digits or '0'}e{self.exponent}"

    def plain(self) -> str:
        """The number without an exponent, as SQL and JSON read it."""
        sign = "-" if self.is_negative else ""
        if self.exponent >= 0:
            return f"{sign}{self.digits or '0'}{_ZEROS * self.exponent}"
        whole = self.digits[: self.exponent] or "0"
        return f"{sign}{whole}.{self.digits[self.exponent :].rjust(-self.exponent, '0')}"


def number(text: str) -> Number:
    """Read a number in any spelling; raise ``ValueRefused`` for what is none."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueRefused("number", "it is no number", "digits, as DynamoDB sends them")
    whole, fraction = match[2] or "", match[3] or ""
    exponent = int(match[4] or "0") - len(fraction)
    kept = (whole + fraction).lstrip("0")
    digits = kept.rstrip("0")
    if not digits:
        return Number(is_negative=False, digits="", exponent=0)
    return Number(match[1] == "-", digits, exponent + len(kept) - len(digits))


def json_number(text: str) -> str:
    """The number as JSON spells it: verbatim where that is legal JSON."""
    return text if _JSON_NUMBER.fullmatch(text) else number(text).plain()


def in_numeric_order(texts: Iterable[str]) -> list[str]:
    """Sort numbers by value. Decimals are made and compared exactly, without any rounding."""
    try:
        return sorted(texts, key=Decimal)
    except ArithmeticError:
        raise ValueRefused("number", "it is no number", "digits, as DynamoDB sends them") from None
