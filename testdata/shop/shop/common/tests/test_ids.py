import unittest

from shop.common import ids
from shop.common.errors import Refused


class IdsTest(unittest.TestCase):
    def test_made_identifiers_parse(self):
        for number in range(0, 60_000, 7):
            self.assertEqual(ids.parse(ids.make("ORD", number)), ("ORD", number))

    def test_swapped_neighbours_are_noticed(self):
        for number in range(1, 4_000):
            text = ids.make("PRD", number)
            for at in range(4, len(text) - 3):
                swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
                if swapped != text:
                    with self.assertRaises(Refused):
                        ids.parse(swapped)


if __name__ == "__main__":
    unittest.main()
