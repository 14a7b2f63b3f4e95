import unittest

from shop.common.events import Journal


class JournalTest(unittest.TestCase):
    def test_listeners_hear_their_kind_only(self):
        journal = Journal()
        heard = []
        journal.listen("paid", heard.append)
        journal.record("placed", "ORD-1")
        paid = journal.record("paid", "ORD-1", cents=500)
        self.assertEqual(heard, [paid])

    def test_events_of_a_subject_stay_in_order(self):
        journal = Journal()
        for kind in ["placed", "paid", "sent"]:
            journal.record(kind, "ORD-1")
            journal.record(kind, "ORD-2")
        self.assertEqual([e.kind for e in journal.about("ORD-2")], ["placed", "paid", "sent"])
        self.assertEqual(len(journal), 6)


if __name__ == "__main__":
    unittest.main()
