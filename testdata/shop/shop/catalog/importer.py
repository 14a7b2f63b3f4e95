"""Reads products from a supplier's list in CSV."""

import csv
import io

from shop.catalog.product import Product
from shop.common.errors import Refused
from shop.common.money import Money

COLUMNS = ["sku", "title", "price", "stock", "keywords"]


def read(text):
    """Products in the order of the list; a bad line names its number."""
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames != COLUMNS:
        raise Refused(f"expected the columns {', '.join(COLUMNS)}")
    return [_product(number, row) for number, row in enumerate(reader, 2)]


def _product(number, row):
    try:
        return Product(
            sku=row["sku"],
            title=row["title"],
            price=Money.parse(row["price"]),
            stock=int(row["stock"]),
            keywords=tuple(row["keywords"].split()),
        )
    except (ValueError, Refused) as error:
        raise Refused(f"line {number}: {error}") from error
