"""Visitors who come back: a reload in the same tab finds what was theirs."""

import secrets
from threading import Lock
from weakref import WeakKeyDictionary, WeakValueDictionary

from segdemo.ui.visitor import Visitor


class Returning:
    """Knows visitors by a key that nobody can guess, as long as they are kept.

    Safe to be asked from several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._visitors: WeakValueDictionary[str, Visitor] = WeakValueDictionary()
        self._keys: WeakKeyDictionary[Visitor, str] = WeakKeyDictionary()

    def key_of(self, visitor: Visitor) -> str:
        """What the visitor's browser keeps for its tab."""
        with self._lock:
            if visitor not in self._keys:
                self._keys[visitor] = secrets.token_urlsafe(32)
                self._visitors[self._keys[visitor]] = visitor
            return self._keys[visitor]

    def back(self, visitor: Visitor, key: str, states: tuple[type, ...]) -> bool:
        """Give a newcomer all that the visitor of that key had, with these ``states``.

        False where nobody of that key is kept any more.
        """
        with self._lock:
            before = self._visitors.get(key)
            if before is None or before is visitor or before.closed:
                return False
            visitor.inherit(before, states)
            self._keys[visitor] = key
            self._visitors[key] = visitor
            return True
