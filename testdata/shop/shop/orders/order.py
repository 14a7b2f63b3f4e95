"""An order and the states it goes through."""

from dataclasses import dataclass

from shop.common.errors import Refused
from shop.orders.pricing import Quote

NEXT = {
    "placed": {"paid", "cancelled"},
    "paid": {"sent", "refunded"},
    "sent": {"refunded"},
    "cancelled": set(),
    "refunded": set(),
}


@dataclass
class Order:
    """What was ordered, for how much, and how far it is."""

    number: str
    counts: dict
    quote: Quote
    state: str = "placed"

    def move(self, state):
        """Go on to another state, if the rules have such a step."""
        if state not in NEXT[self.state]:
            raise Refused(f"{self.number} is {self.state} and cannot become {state}")
        self.state = state

    @property
    def closed(self):
        """Whether nothing can happen to it any more."""
        return not NEXT[self.state]
