"""What a customer is about to buy."""

from shop.common.errors import Refused


class Cart:
    """Counts by SKU."""

    def __init__(self):
        self._counts = {}

    def put(self, sku, count=1):
        """Add pieces."""
        if count < 1:
            raise Refused("a cart holds whole pieces")
        self._counts[sku] = self._counts.get(sku, 0) + count

    def drop(self, sku):
        """Remove all pieces of one product."""
        self._counts.pop(sku, None)

    @property
    def counts(self):
        """A copy, by SKU."""
        return dict(sorted(self._counts.items()))

    def __bool__(self):
        return bool(self._counts)
