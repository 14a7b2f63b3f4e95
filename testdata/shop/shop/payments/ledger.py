"""Double-entry bookkeeping: every posting sums up to zero."""

from shop.common.errors import Refused
from shop.common.money import Money, total


class Ledger:
    """Postings, and the balance of each account."""

    def __init__(self):
        self._postings = []

    def post(self, text, **amounts):
        """Note one posting: amounts by account, together zero."""
        if total(amounts.values()) != Money(0):
            raise Refused(f"posting {text!r} does not balance")
        self._postings.append((text, amounts))

    def balance(self, account):
        """What an account holds."""
        return total(amounts[account] for _, amounts in self._postings if account in amounts)

    def accounts(self):
        """All accounts ever posted to, sorted."""
        return sorted({account for _, amounts in self._postings for account in amounts})

    def lines(self):
        """The ledger as text, one line an amount: `NUMBER;ACCOUNT;CENTS;TEXT`."""
        for number, (text, amounts) in enumerate(self._postings, 1):
            for account, amount in amounts.items():
                yield f"{number};{account};{amount.cents};{text}"
