import os
import random
import unittest

from shop.common.errors import Refused
from shop.common.money import Money, total


class MoneyTest(unittest.TestCase):
    def test_text_and_back(self):
        for text in ["0.00", "12.50", "-3.07", "1000000.99"]:
            self.assertEqual(str(Money.parse(text)), f"{text} EUR")

    def test_what_is_no_amount_is_refused(self):
        for text in ["", "x", "1.234", "1,5", "1.-1"]:
            with self.assertRaises(Refused):
                Money.parse(text)

    def test_currencies_do_not_mix(self):
        with self.assertRaises(Refused):
            Money(1) + Money(1, "CHF")

    def test_shares_sum_up_to_the_whole(self):
        seed = random.Random(int(os.environ.get("SHOP_SEED", "1")))
        for _ in range(30_000):
            amount = Money(seed.randrange(-10_000_000, 10_000_000))
            shares = amount.split(seed.randrange(1, 12))
            self.assertEqual(total(shares), amount)
            self.assertLessEqual(max(shares).cents - min(shares).cents, 1)

    def test_percent_rounds_half_up(self):
        self.assertEqual(Money(250).percent(19), Money(48))
        self.assertEqual(Money(50).percent(1), Money(1))


if __name__ == "__main__":
    unittest.main()
