"""Reads a pickle into inert values: nothing is imported and nothing is called."""

import _compat_pickle
import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_MAX_OPERATIONS = 500_000  # some sixty for each tensor
_PLAIN = (str, int, float, bool, bytes, type(None))


@dataclass(frozen=True, eq=False, slots=True)
class Named:
    """A class or function by its name alone, such as ``torch.FloatStorage``."""

    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Opaque:
    """In the place of an object of a class that is not known here; its state is not kept."""

    name: str


class PickleError(Exception):
    """The pickle is damaged, or of a kind that is not read."""


class LongPickleError(PickleError):
    """The pickle has more operations than any checkpoint."""


def read_pickle(
    stream: io.BytesIO,
    *,
    call: Callable[[str, Any], Any],
    persistent: Callable[[Any], Any],
) -> Any:
    """What the pickle at the stream's position describes; the stream then stands behind it.

    Where it asks to call something, ``call(name, arguments)`` says what stands there instead;
    ``persistent`` does so for what is stored outside the pickle. Sets become lists. Memory and
    time are bounded by the stream's length. Raises PickleError and what the two raise.
    """
    machine = _Machine(call, persistent)
    operations = pickletools.genops(stream)
    count = 0
    while True:
        try:
            operation, argument, _ = next(operations)
        except (ValueError, OverflowError, Warning) as error:
            # A warning, where warnings are errors, is of a backslash in a name.
            raise PickleError from error
        count += 1
        if count > _MAX_OPERATIONS:
            raise LongPickleError
        act = _ACTIONS.get(operation.name)
        if act is None:
            raise PickleError
        try:
            act(machine, argument)
        except (LookupError, TypeError, AttributeError) as error:
            raise PickleError from error
        if operation.name == "STOP":
            return machine.result


class _Machine:
    """The stack and the memo, without any value that could act."""

    def __init__(self, call: Callable[[str, Any], Any], persistent: Callable[[Any], Any]) -> None:
        self.call_named = call
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        # Never below the mark: what is there belongs to another list.
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise PickleError
        return self.stack.pop()

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def discard(self, _: Any) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.pop()

    def stop(self, _: Any) -> None:
        self.result = self.pop()

    def duplicate(self, _: Any) -> None:
        self.push(self.stack[-1])

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Opaque):
            raise PickleError

    def update(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if len(values) % 2:
            raise PickleError
        if isinstance(target, dict):
            for key, value in zip(values[::2], values[1::2], strict=True):
                # The hash of tuples in tuples can take for ever; such keys name no tensor.
                target[key if type(key) in _PLAIN else Opaque("key")] = value
        elif not isinstance(target, Opaque):
            raise PickleError

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(values)))

    def new_dict(self, _: Any) -> None:
        values = self.since_mark()
        self.push({})
        self.update(values)

    def remember(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def named_on_stack(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise PickleError
        self.push(Named(f"{module}.{name}"))

    def call(self, target: Any, arguments: Any) -> None:
        if not isinstance(target, Named):
            raise PickleError
        self.push(self.call_named(target.name, arguments))

    def reduce(self, _: Any) -> None:
        arguments = self.pop()
        self.call(self.pop(), arguments)

    def new_object(self, _: Any) -> None:
        arguments = self.pop()
        self.call(self.pop(), arguments)

    def new_object_with_keywords(self, _: Any) -> None:
        self.pop()
        self.new_object(None)

    def instance(self, name: str) -> None:
        self.call(_named(name), tuple(self.since_mark()))

    def object_since_mark(self, _: Any) -> None:
        target, *arguments = self.since_mark() or [None]
        self.call(target, tuple(arguments))

    def build(self, _: Any) -> None:
        self.pop()  # the state of an object, which is not kept
        if not self.stack:
            raise PickleError

    def stored(self, identity: Any) -> None:
        self.push(self.persistent(identity))


def _named(said: str) -> Named:
    """Of "module name"; old protocols say where Python 2 had it, and this where Python 3 has."""
    module, _, name = said.partition(" ")
    moved = _compat_pickle.NAME_MAPPING.get((module, name))
    module, name = moved or (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
    return Named(f"{module}.{name}")


_Action = Callable[[_Machine, Any], None]


def _with_constant(value: Any) -> _Action:
    return lambda machine, _: machine.push(value)


_ACTIONS: dict[str, _Action] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "STOP": _Machine.stop,
    "MARK": _Machine.mark,
    "POP": _Machine.discard,
    "POP_MARK": lambda machine, _: machine.since_mark().clear(),
    "DUP": _Machine.duplicate,
    "NONE": _with_constant(None),
    "NEWTRUE": _with_constant(True),
    "NEWFALSE": _with_constant(False),
    "EMPTY_TUPLE": _with_constant(()),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_SET": lambda machine, _: machine.push([]),
    "LIST": lambda machine, _: machine.push(machine.since_mark()),
    "FROZENSET": lambda machine, _: machine.push(machine.since_mark()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "DICT": _Machine.new_dict,
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.update([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.update(machine.since_mark()),
    "GLOBAL": lambda machine, name: machine.push(_named(name)),
    "STACK_GLOBAL": _Machine.named_on_stack,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new_object,
    "NEWOBJ_EX": _Machine.new_object_with_keywords,
    "INST": _Machine.instance,
    "OBJ": _Machine.object_since_mark,
    "BUILD": _Machine.build,
    "PERSID": _Machine.stored,
    "BINPERSID": lambda machine, _: machine.stored(machine.pop()),
    "MEMOIZE": _Machine.remember,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.remember),
    **dict.fromkeys(
        ("GET", "BINGET", "LONG_BINGET"),
        lambda machine, place: machine.push(machine.memo[place]),
    ),
    **dict.fromkeys(
        (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
            *("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING"),
            *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        ),
        _Machine.push,
    ),
}
