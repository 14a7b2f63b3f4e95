import os
import random
import unittest

from shop.common.errors import Refused
from shop.common.events import Journal
from shop.common.money import Money, total
from shop.payments.gateway import Gateway
from shop.payments.ledger import Ledger
from shop.payments.refunds import Refunds


class PaymentsTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.journal = Journal()
        self.gateway = Gateway(self.ledger, self.journal, Money(100_000))
        self.refunds = Refunds(self.ledger, self.journal)

    def test_a_repeated_request_charges_once(self):
        for _ in range(3):
            self.gateway.charge("key", "ORD-1", Money(1_000))
        self.assertEqual(self.ledger.balance("bank"), Money(980))

    def test_above_the_limit_nothing_is_posted(self):
        with self.assertRaisesRegex(Refused, "above the limit"):
            self.gateway.charge("key", "ORD-1", Money(100_001))
        self.assertEqual(self.ledger.accounts(), [])

    def test_refunds_stop_at_what_was_paid(self):
        self.gateway.charge("key", "ORD-1", Money(1_000))
        self.refunds.refund("ORD-1", Money(600))
        with self.assertRaisesRegex(Refused, "4.00 EUR is left"):
            self.refunds.refund("ORD-1", Money(401))

    def test_the_books_balance_after_any_history(self):
        seed = random.Random(int(os.environ.get("SHOP_SEED", "1")))
        for step in range(400):
            number = f"ORD-{seed.randrange(40)}"
            try:
                if seed.random() < 0.6:
                    self.gateway.charge(str(step), number, Money(seed.randrange(1, 120_000)))
                else:
                    self.refunds.refund(number, Money(seed.randrange(1, 50_000)))
            except Refused:
                continue
            accounts = self.ledger.accounts()
            self.assertEqual(total(map(self.ledger.balance, accounts)), Money(0))


if __name__ == "__main__":
    unittest.main()
