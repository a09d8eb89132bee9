"""Money as whole minor units; rates in basis points; splits that conserve the whole."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Self

import msgspec

FULL_BP = 10_000

# ISO 4217 digits after the point, for the currencies that are not of scale 2.
SCALES = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were combined."""


class BadRate(ValueError):
    """A rate outside 0 to 10 000 basis points."""


class BadAmount(ValueError):
    """An amount outside what the operation is defined for."""


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount of one currency. `minor` may be negative; `currency` is ISO 4217."""

    minor: int
    currency: str

    def __add__(self, other: Self) -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Self) -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Self) -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.minor


def scale(currency: str) -> int:
    """Digits after the decimal point (ISO 4217)."""
    return SCALES.get(currency, 2)


def decimal_text(minor: int, currency: str) -> str:
    """`"12.30"` for 1230 CNY: exact, no grouping, no symbol."""
    digits = scale(currency)
    if digits == 0:
        return str(minor)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{digits}d}"


def minor_from_text(text: str, currency: str) -> int:
    """Whole minor units of a plain decimal text.

    Raises BadAmount when it is no plain decimal, has more digits than the currency, or is
    outside ±9 × 10^15 (exact in a JSON reader that uses doubles).
    """
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, part = body.partition(".")
    digits = scale(currency)
    part = part.rstrip("0").ljust(digits, "0") if len(part) > digits else part.ljust(digits, "0")
    plain = body.isascii() and whole.isdigit() and (part == "" or part.isdigit())
    if not plain or len(part) > digits or len(whole) > 15 or body.endswith("."):
        raise BadAmount(text)
    minor = int(whole + part)
    if minor > 9_000_000_000_000_000:
        raise BadAmount(text)
    return sign * minor


def part_of(amount_minor: int, rate_bp: int) -> int:
    """`amount × rate`, rounded down to a whole minor unit; amount at least 0.

    Raises BadRate outside 0 to 10 000 basis points, BadAmount below zero.
    """
    if not 0 <= rate_bp <= FULL_BP:
        raise BadRate(rate_bp)
    if amount_minor < 0:
        raise BadAmount(amount_minor)
    return amount_minor * rate_bp // FULL_BP


def pro_rata(amount_minor: int, *, taken: int, whole: int) -> int:
    """`amount × taken ÷ whole`, rounded down; exactly `amount` when all is taken.

    Used cumulatively: pass what has been taken so far, and book the difference to before.
    """
    if not 0 <= taken <= whole or whole <= 0:
        raise BadAmount(f"{taken} of {whole}")
    return amount_minor * taken // whole


def split(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Shares of `amount` by weight, largest remainder first, ties to the earlier one.

    The shares sum to `amount`. Raises BadAmount when nothing has weight or one is negative.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0 or amount_minor < 0:
        raise BadAmount("split needs an amount and weights of at least 0, not all 0")
    exact = [Fraction(amount_minor * weight, total) for weight in weights]
    shares = [int(share) for share in exact]
    left = amount_minor - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[:left]:
        shares[i] += 1
    return shares
