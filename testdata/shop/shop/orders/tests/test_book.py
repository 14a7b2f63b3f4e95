import unittest

from shop.catalog.product import Product
from shop.catalog.store import Store
from shop.common import ids
from shop.common.errors import NotFound, Refused
from shop.common.events import Journal
from shop.common.money import Money
from shop.orders.book import Book
from shop.orders.cart import Cart


class BookTest(unittest.TestCase):
    def setUp(self):
        self.store = Store([Product("MUG", "Mug", Money(900), 3)])
        self.journal = Journal()
        self.book = Book(self.store, self.journal)

    def place(self, count):
        cart = Cart()
        cart.put("MUG", count)
        return self.book.place(cart)

    def test_placing_reserves_stock(self):
        order = self.place(2)
        self.assertEqual(self.store.get("MUG").stock, 1)
        self.assertEqual(order.quote.total, Money(2 * 900 + 490))

    def test_an_order_beyond_the_stock_leaves_no_trace(self):
        with self.assertRaises(Refused):
            self.place(4)
        self.assertEqual((len(self.journal), self.book.open()), (0, []))

    def test_cancelling_gives_the_goods_back(self):
        order = self.place(3)
        self.book.cancel(order.number)
        self.assertEqual(self.store.get("MUG").stock, 3)
        self.assertTrue(order.closed)

    def test_payment_moves_the_order(self):
        order = self.place(1)
        self.journal.record("paid", order.number)
        self.assertEqual(order.state, "paid")
        with self.assertRaisesRegex(Refused, "is paid and cannot become cancelled"):
            self.book.cancel(order.number)

    def test_mistyped_and_unknown_numbers_differ(self):
        with self.assertRaises(Refused):
            self.book.get("ORD-000001-?")
        with self.assertRaises(NotFound):
            self.book.get(ids.make("ORD", 9))


if __name__ == "__main__":
    unittest.main()
