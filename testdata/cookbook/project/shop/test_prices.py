from shop.prices import with_tax


def test_tax_is_a_fifth():
    assert with_tax(100) == 120
