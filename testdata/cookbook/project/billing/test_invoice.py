from billing.invoice import total


def test_total_is_with_tax():
    assert total([100, 200]) == 360
