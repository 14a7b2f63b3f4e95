"""Charges through a provider; a repeated request charges once."""

from shop.common.errors import Refused


class Gateway:
    """Keeps the answers to earlier requests by their key."""

    def __init__(self, ledger, journal, limit):
        self._ledger = ledger
        self._journal = journal
        self._limit = limit
        self._answers = {}

    def charge(self, key, order_number, amount):
        """Take the amount for an order; the same key again gives the same answer."""
        if key not in self._answers:
            self._answers[key] = self._charge(order_number, amount)
        return self._answers[key]

    def _charge(self, order_number, amount):
        if amount > self._limit:
            raise Refused(f"{amount} is above the limit of {self._limit}")
        fee = amount.percent(2)
        self._ledger.post(
            f"charge {order_number}", bank=amount - fee, fees=fee, sales=-amount
        )
        self._journal.record("paid", order_number, cents=amount.cents)
        return f"charged {amount}"
