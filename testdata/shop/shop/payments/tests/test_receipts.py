import unittest

from shop.common.money import Money
from shop.payments.receipts import WIDTH, receipt


class ReceiptTest(unittest.TestCase):
    def test_amounts_end_in_one_column(self):
        rows = [("Mug", Money(900)), ("A teapot of a name beyond all measure", Money(123_456))]
        lines = receipt("R-1", rows, Money(124_356)).splitlines()
        self.assertEqual({len(line) for line in lines[1:]}, {WIDTH})
        self.assertIn("...", lines[3])

    def test_the_total_comes_last(self):
        self.assertTrue(receipt("R-1", [], Money(0)).endswith("0.00 EUR\n"))


if __name__ == "__main__":
    unittest.main()
