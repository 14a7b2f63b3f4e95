"""Errors that callers are expected to handle."""


class ShopError(Exception):
    """The base of all errors of the shop."""


class NotFound(ShopError):
    """Something was asked for that does not exist."""

    def __init__(self, kind, key):
        super().__init__(f"no {kind} {key!r}")
        self.kind = kind
        self.key = key


class Refused(ShopError):
    """A rule of the business forbids it."""
