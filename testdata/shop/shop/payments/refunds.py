"""Giving money back, never more than was taken."""

from shop.common.errors import Refused
from shop.common.money import Money


class Refunds:
    """Refunds by order."""

    def __init__(self, ledger, journal):
        self._ledger = ledger
        self._journal = journal
        self._refunded = {}

    def refund(self, order_number, amount):
        """Give back part of a payment, or all of it."""
        paid = self._paid(order_number)
        before = self._refunded.get(order_number, Money(0))
        if before + amount > paid:
            raise Refused(f"{order_number}: {paid - before} is left to refund")
        self._refunded[order_number] = before + amount
        self._ledger.post(f"refund {order_number}", bank=-amount, sales=amount)
        self._journal.record("refunded", order_number, cents=amount.cents)

    def _paid(self, order_number):
        events = self._journal.about(order_number)
        return Money(sum(event.details["cents"] for event in events if event.kind == "paid"))
