"""The order book: places orders against the shelf."""

from shop.common import ids
from shop.common.errors import NotFound, Refused
from shop.orders.order import Order
from shop.orders.pricing import Line, quote


class Book:
    """All orders, by number."""

    def __init__(self, store, journal, rules=()):
        self._store = store
        self._journal = journal
        self._rules = rules
        self._orders = {}
        journal.listen("paid", lambda event: self.get(event.subject).move("paid"))

    def place(self, cart):
        """Reserve what is in the cart and note the order."""
        if not cart:
            raise Refused("the cart is empty")
        counts = cart.counts
        lines = [Line(sku, n, self._store.get(sku).price) for sku, n in counts.items()]
        self._store.reserve(counts)
        number = ids.make("ORD", len(self._orders) + 1)
        order = Order(number, counts, quote(lines, self._rules))
        self._orders[number] = order
        self._journal.record("placed", number, cents=order.quote.total.cents)
        return order

    def cancel(self, number):
        """Give the goods back to the shelf."""
        order = self.get(number)
        order.move("cancelled")
        self._store.release(order.counts)
        self._journal.record("cancelled", number)

    def get(self, number):
        """The order with that number."""
        ids.parse(number)
        if number not in self._orders:
            raise NotFound("order", number)
        return self._orders[number]

    def open(self):
        """Orders that still need something done."""
        return [order for order in self._orders.values() if not order.closed]
