"""A journal of what happened, in order, with listeners."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kind: str
    subject: str
    details: dict = field(default_factory=dict, hash=False)


class Journal:
    """Keeps events and tells listeners about new ones."""

    def __init__(self):
        self._events = []
        self._listeners = {}

    def listen(self, kind, listener):
        """Call `listener` with each later event of that kind."""
        self._listeners.setdefault(kind, []).append(listener)

    def record(self, kind, subject, **details):
        """Append an event; listeners hear of it before this returns."""
        event = Event(kind, subject, details)
        self._events.append(event)
        for listener in self._listeners.get(kind, []):
            listener(event)
        return event

    def about(self, subject):
        """All events of one subject, oldest first."""
        return [event for event in self._events if event.subject == subject]

    def __len__(self):
        return len(self._events)
