"""Amounts of money in whole cents; never floats."""

from dataclasses import dataclass
from functools import total_ordering

from shop.common.errors import Refused


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount in one currency."""

    cents: int
    currency: str = "EUR"

    @classmethod
    def parse(cls, text, currency="EUR"):
        """Read `12`, `12.5` or `-12.50`."""
        sign = -1 if text.startswith("-") else 1
        whole, _, fraction = text.lstrip("-").partition(".")
        if not whole.isdigit() or (fraction and not fraction.isdigit()) or len(fraction) > 2:
            raise Refused(f"not an amount: {text!r}")
        return cls(sign * (int(whole) * 100 + int(fraction.ljust(2, "0"))), currency)

    def __str__(self):
        sign = "-" if self.cents < 0 else ""
        whole, fraction = divmod(abs(self.cents), 100)
        return f"{sign}{whole}.{fraction:02} {self.currency}"

    def __add__(self, other):
        return Money(self.cents + self._same(other).cents, self.currency)

    def __sub__(self, other):
        return Money(self.cents - self._same(other).cents, self.currency)

    def __neg__(self):
        return Money(-self.cents, self.currency)

    def __mul__(self, times):
        return Money(self.cents * times, self.currency)

    def __lt__(self, other):
        return self.cents < self._same(other).cents

    def percent(self, percent):
        """That share of the amount, rounded half up."""
        product = self.cents * percent
        return Money((product + 50) // 100, self.currency)

    def split(self, parts):
        """Shares that differ by at most one cent and sum up to the whole."""
        share, rest = divmod(self.cents, parts)
        return [Money(share + (1 if i < rest else 0), self.currency) for i in range(parts)]

    def _same(self, other):
        if self.currency != other.currency:
            raise Refused(f"{self.currency} and {other.currency} do not mix")
        return other


def total(amounts, currency="EUR"):
    """The sum of all amounts; zero for none."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result
