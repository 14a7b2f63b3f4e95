"""The shelf: products by their SKU."""

from shop.common.errors import NotFound, Refused


class Store:
    """Holds products and moves stock, all or nothing."""

    def __init__(self, products=()):
        self._products = {}
        for product in products:
            self.add(product)

    def add(self, product):
        """Put a new product on the shelf."""
        if product.sku in self._products:
            raise Refused(f"{product.sku} is on the shelf already")
        self._products[product.sku] = product

    def get(self, sku):
        """The product with that SKU."""
        try:
            return self._products[sku]
        except KeyError:
            raise NotFound("product", sku) from None

    def reserve(self, counts):
        """Take all of `counts` (by SKU) off the shelf, or nothing."""
        taken = {sku: self.get(sku).take(count) for sku, count in counts.items()}
        self._products.update(taken)

    def release(self, counts):
        """Put `counts` back."""
        back = {sku: self.get(sku).put_back(count) for sku, count in counts.items()}
        self._products.update(back)

    def __iter__(self):
        return iter(sorted(self._products.values(), key=lambda product: product.sku))

    def __len__(self):
        return len(self._products)
