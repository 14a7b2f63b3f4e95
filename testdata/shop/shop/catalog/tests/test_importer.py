import unittest

from shop.catalog.importer import read
from shop.common.errors import Refused
from shop.common.money import Money

LIST = """sku,title,price,stock,keywords
MUG,Mug,9.00,3,cup coffee
PEN,Pen,2.50,1,ink
"""


class ImporterTest(unittest.TestCase):
    def test_a_list_is_read_in_order(self):
        mug, pen = read(LIST)
        self.assertEqual((mug.price, mug.keywords), (Money(900), ("cup", "coffee")))
        self.assertEqual(pen.stock, 1)

    def test_a_bad_line_names_its_number(self):
        with self.assertRaisesRegex(Refused, "line 3: not an amount"):
            read(LIST.replace("2.50", "2.5x"))

    def test_other_columns_are_refused(self):
        with self.assertRaisesRegex(Refused, "expected the columns"):
            read("sku,price\nMUG,9\n")


if __name__ == "__main__":
    unittest.main()
