"""Discounts and postage. Rules are tried in order; each may lower the price."""

from dataclasses import dataclass

from shop.common.money import Money, total


@dataclass(frozen=True)
class Line:
    """Some pieces of one product at its price."""

    sku: str
    count: int
    price: Money

    @property
    def amount(self):
        """What the line costs before discounts."""
        return self.price * self.count


@dataclass(frozen=True)
class Quote:
    """What an order costs, and why."""

    goods: Money
    discount: Money
    postage: Money

    @property
    def total(self):
        """What is to be paid."""
        return self.goods - self.discount + self.postage


def every_third_free(lines):
    """Of each product, every third piece costs nothing."""
    return total(line.price * (line.count // 3) for line in lines)


def ten_percent_from(threshold):
    """A rule: a tenth off from that sum on."""

    def rule(lines):
        goods = total(line.amount for line in lines)
        return goods.percent(10) if goods >= threshold else Money(0)

    return rule


def quote(lines, rules=(), postage=Money(490), free_from=Money(5000)):
    """The best single rule counts; postage is free from a sum on."""
    goods = total(line.amount for line in lines)
    discount = max((rule(lines) for rule in rules), default=Money(0))
    rest = goods - discount
    return Quote(goods, discount, Money(0) if rest >= free_from else postage)
