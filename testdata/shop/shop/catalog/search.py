"""Finding products by words, forgiving one typing error."""

import re


def words(text):
    """The lower-case words of a text."""
    return re.findall(r"[a-z0-9]+", text.lower())


def distance(left, right):
    """How many single edits lead from one word to the other."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


class Index:
    """An inverted index over titles and keywords."""

    def __init__(self, products):
        self._postings = {}
        for product in products:
            for word in {*words(product.title), *product.keywords}:
                self._postings.setdefault(word, set()).add(product.sku)

    def find(self, query):
        """SKUs by falling score, then by name."""
        scores = {}
        for word in words(query):
            for known, skus in self._postings.items():
                score = self._score(word, known)
                for sku in skus if score else ():
                    scores[sku] = scores.get(sku, 0) + score
        return sorted(scores, key=lambda sku: (-scores[sku], sku))

    @staticmethod
    def _score(word, known):
        if word == known:
            return 3
        if len(word) > 2 and known.startswith(word):
            return 2
        return 1 if len(word) > 3 and distance(word, known) == 1 else 0
