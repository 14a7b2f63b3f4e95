"""Identifiers with a check digit, so that a typing error is noticed."""

from shop.common.errors import Refused

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def make(prefix, number):
    """`ORD-000042-K` from `ORD` and 42."""
    body = f"{prefix}-{number:06}"
    return f"{body}-{check_digit(body)}"


def parse(text):
    """The prefix and the number of an identifier."""
    body, _, digit = text.rpartition("-")
    prefix, _, number = body.partition("-")
    if not number.isdigit() or check_digit(body) != digit:
        raise Refused(f"mistyped identifier: {text!r}")
    return prefix, int(number)


def check_digit(body):
    """Catches each single wrong character and each swap of two neighbours."""
    weight = 1
    value = 0
    for char in body:
        value = (value + ord(char) * weight) % 31
        weight = weight * 3 % 31
    return ALPHABET[value]
