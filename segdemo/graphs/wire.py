"""The wire format of Protocol Buffers: fields of a message in memory or in a seekable file."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_MOST_VARINT_BYTES = 10


class WireError(Exception):
    """The bytes are no message."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field: its number, how it is coded, and where its content lies."""

    number: int
    wire: int
    value: int = 0
    """Of a varint; of fixed numbers their bytes, little endian."""
    start: int = 0
    """Where the content of a field with a length begins."""
    length: int = 0

    @property
    def end(self) -> int:
        """Behind its content."""
        return self.start + self.length


def varint(file: BinaryIO) -> int:
    """The number at the file's position. Raises WireError."""
    value = 0
    for place in range(_MOST_VARINT_BYTES):
        byte = file.read(1)
        if not byte:
            raise WireError
        value |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return value
    raise WireError


def fields_in(file: BinaryIO, start: int, end: int) -> Iterator[Field]:
    """The fields of the message from ``start`` to ``end``; their contents are skipped, not read.

    The caller may move the file between two fields. Raises WireError.
    """
    position = start
    while position < end:
        file.seek(position)
        tag = varint(file)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise WireError
        if wire == VARINT:
            value = varint(file)
            position = file.tell()
            yield Field(number=number, wire=wire, value=value)
        elif wire == LENGTH:
            length = varint(file)
            content = file.tell()
            position = content + length
            if position > end:
                raise WireError
            yield Field(number=number, wire=wire, start=content, length=length)
        elif wire in _FIXED:
            count = _FIXED[wire]
            value = int.from_bytes(file.read(count), "little")
            position = file.tell()
            yield Field(number=number, wire=wire, value=value)
        else:
            raise WireError
    if position != end:
        raise WireError


def fields_of(message: bytes) -> Iterator[tuple[Field, bytes]]:
    """The fields of a message in memory, each with its content. Raises WireError."""
    for field in fields_in(io.BytesIO(message), 0, len(message)):
        yield field, message[field.start : field.end]


def packed(field: Field, content: bytes) -> list[int]:
    """The varints of a repeated field, written together or one by one."""
    if field.wire == VARINT:
        return [field.value]
    file, numbers = io.BytesIO(content), []
    while file.tell() < len(content):
        numbers.append(varint(file))
    return numbers


def signed(value: int) -> int:
    """A varint as int64."""
    return value - (1 << 64) if value >> 63 else value


def words(content: bytes) -> str:
    """UTF-8 text. Raises WireError."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise WireError from error


def encoded(number: int, content: bytes) -> bytes:
    """A field with a length, as it stands in a message."""
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content


def encoded_number(number: int, value: int) -> bytes:
    """A field with a whole number that is not negative."""
    return _varint(number << 3 | VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)
