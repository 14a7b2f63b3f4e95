import itertools
import unittest

from shop.catalog.product import Product
from shop.catalog.search import Index, distance
from shop.common.money import Money

COLOURS = ["amber", "black", "coral", "denim", "green", "ivory"]
THINGS = ["basket", "candle", "kettle", "lantern", "mirror", "teapot"]


def index():
    pairs = itertools.product(COLOURS, THINGS)
    return Index(Product(f"{c}-{t}", f"{c} {t}", Money(100)) for c, t in pairs)


class SearchTest(unittest.TestCase):
    def test_all_words_beat_one(self):
        self.assertEqual(index().find("green kettle")[0], "green-kettle")

    def test_each_single_typing_error_is_forgiven(self):
        found = index()
        for colour, thing in itertools.product(COLOURS, THINGS):
            for at in range(0, len(thing), 2):
                typed = thing[:at] + "x" + thing[at + 1 :]
                self.assertEqual(found.find(f"{colour} {typed}")[0], f"{colour}-{thing}")

    def test_distance_is_symmetric(self):
        for left, right in itertools.combinations(COLOURS + THINGS, 2):
            self.assertEqual(distance(left, right), distance(right, left))


if __name__ == "__main__":
    unittest.main()
