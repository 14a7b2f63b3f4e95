"""Receipts in plain text."""

WIDTH = 40


def receipt(number, rows, total):
    """Rows are pairs of a text and an amount; amounts end in one column."""
    lines = [f"Receipt {number}", "=" * WIDTH]
    lines += [_row(text, amount) for text, amount in rows]
    lines += ["-" * WIDTH, _row("Total", total)]
    return "\n".join(lines) + "\n"


def _row(text, amount):
    right = str(amount)
    room = WIDTH - len(right) - 1
    left = text if len(text) <= room else text[: room - 3] + "..."
    return f"{left:<{room}} {right}"
