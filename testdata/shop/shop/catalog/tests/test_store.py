import unittest

from shop.catalog.product import Product
from shop.catalog.store import Store
from shop.common.errors import NotFound, Refused
from shop.common.money import Money


def store():
    return Store([Product("MUG", "Mug", Money(900), 3), Product("PEN", "Pen", Money(250), 1)])


class StoreTest(unittest.TestCase):
    def test_reserving_is_all_or_nothing(self):
        shelf = store()
        with self.assertRaises(Refused):
            shelf.reserve({"MUG": 1, "PEN": 2})
        self.assertEqual([product.stock for product in shelf], [3, 1])

    def test_released_stock_is_back(self):
        shelf = store()
        shelf.reserve({"MUG": 3})
        shelf.release({"MUG": 2})
        self.assertEqual(shelf.get("MUG").stock, 2)

    def test_unknown_products_are_named(self):
        with self.assertRaisesRegex(NotFound, "no product 'HAT'"):
            store().get("HAT")


if __name__ == "__main__":
    unittest.main()
