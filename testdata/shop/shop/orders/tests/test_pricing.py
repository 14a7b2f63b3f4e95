import os
import random
import unittest

from shop.common.money import Money
from shop.orders.pricing import Line, every_third_free, quote, ten_percent_from

RULES = [every_third_free, ten_percent_from(Money(3000))]


class PricingTest(unittest.TestCase):
    def test_the_best_rule_counts(self):
        lines = [Line("MUG", 4, Money(900))]
        self.assertEqual(quote(lines, RULES).discount, Money(900))

    def test_postage_is_free_from_a_sum_on(self):
        self.assertEqual(quote([Line("MUG", 6, Money(900))]).postage, Money(0))
        self.assertEqual(quote([Line("MUG", 5, Money(900))]).postage, Money(490))

    def test_a_discount_never_exceeds_the_goods(self):
        seed = random.Random(int(os.environ.get("SHOP_SEED", "1")))
        for _ in range(8_000):
            lines = [
                Line(str(i), seed.randrange(1, 9), Money(seed.randrange(1, 9_999)))
                for i in range(seed.randrange(1, 8))
            ]
            priced = quote(lines, RULES)
            self.assertLess(priced.discount, priced.goods)
            self.assertEqual(priced.total, priced.goods - priced.discount + priced.postage)


if __name__ == "__main__":
    unittest.main()
