"""What things cost."""


def with_tax(price: int) -> int:
    """Price in cents, with tax."""
    return price + price // 5
