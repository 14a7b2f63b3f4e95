"""Products and their stock."""

from dataclasses import dataclass, replace

from shop.common.errors import Refused
from shop.common.money import Money


@dataclass(frozen=True)
class Product:
    """One thing on the shelf."""

    sku: str
    title: str
    price: Money
    stock: int = 0
    keywords: tuple = ()

    def take(self, count):
        """The product after `count` pieces left the shelf."""
        if count > self.stock:
            raise Refused(f"only {self.stock} of {self.sku} left")
        return replace(self, stock=self.stock - count)

    def put_back(self, count):
        """The product after `count` pieces came back."""
        return replace(self, stock=self.stock + count)
