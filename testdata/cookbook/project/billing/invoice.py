"""What customers owe."""

from shop.prices import with_tax


def total(prices: list[int]) -> int:
    """Sum of the prices in cents, with tax."""
    return sum(with_tax(price) for price in prices)
