"""Changes one scalar in the bytes of a YAML file, and leaves every other byte as it is.

    bytes ──scalars──> Scalar …  ──replaced / renamed / inserted──> bytes

Comments, order, quotes, indentation and line ends stay, because nothing is written anew but the
scalar. What was written is read again: a document that became anything else than what was asked
for is refused, so that no spelling can slip something in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gitops_gate.documents import RawDocument, dump_yaml, load_document, split_stream
from gitops_gate.documents.extents import Extent, extents_of
from gitops_gate.errors import ManifestError, SourceError

Field = tuple[str | int, ...]

_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]+)+")
"""An anchor or a tag in front of a value (YAML 1.1, "node properties")."""
_IN_FLOW = re.compile(r"[\[\]{},?]")
_BLOCK_LEAD = re.compile(r"[ ]*(?:-[ ]+)*")

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A scalar of a file: the value at `field` of the document number `document`, from 0.

    `path` is the file, `line` the 1-based line of the file that the value starts on.
    """

    path: str
    document: int
    field: Field
    line: int
    value: Any

    @property
    def place(self) -> str:
        """`apps/web.yaml:21`, for people."""
        return f"{self.path}:{self.line}"


def scalars(data: bytes, path: str) -> tuple[Scalar, ...]:
    """The scalars of a YAML stream that stand in it themselves, in their order.

    Empty for what cannot be read as YAML, such as a template.
    """
    try:
        documents = split_stream(data)
        values = [load_document(one.text, first_line=one.line) for one in documents]
    except ManifestError:
        return ()
    return tuple(
        Scalar(
            path=path,
            document=number,
            field=extent.path,
            line=extent.line,
            value=_at(values[number], extent.path),
        )
        for number, document in enumerate(documents)
        for extent in extents_of(document.text, first_line=document.line)
        if not extent.key
    )


def values_of(data: bytes) -> tuple[object, ...]:
    """The documents of a stream as JSON-like values; none where it cannot be read."""
    try:
        return tuple(load_document(one.text, first_line=one.line) for one in split_stream(data))
    except ManifestError:
        return ()


def replaced(data: bytes, scalar: Scalar, value: object) -> bytes:
    """The file with another value for a scalar, in the quotes that it had.

    Raises `SourceError` where the scalar runs over several lines or cannot be replaced alone.
    """
    if _same(scalar.value, value):
        return data
    start, end = _bytes(data, _extent(data, scalar, key=False), scalar)
    old = data[start:end].decode()
    properties = _PROPERTIES.match(old)
    kept = properties.group() if properties else ""
    new = kept + _spelled(value, old[len(kept) :], data[:start])
    edited = data[:start] + new.encode() + data[end:]
    _check(data, edited, scalar, {scalar.field: value})
    return edited


def renamed(data: bytes, scalar: Scalar, key: str, value: object) -> bytes:
    """The file with another key and another value in the place of an entry of a mapping.

    Raises `SourceError` as `replaced` does.
    """
    start, end = _bytes(data, _extent(data, scalar, key=True), scalar)
    valued_start, valued_end = _bytes(data, _extent(data, scalar, key=False), scalar)
    new = _spelled(value, "", data[:valued_start])
    edited = data[:start] + key.encode() + data[end:valued_start] + new.encode() + data[valued_end:]
    asked = {scalar.field: _ABSENT, (*scalar.field[:-1], key): value}
    _check(data, edited, scalar, asked)
    return edited


def inserted(data: bytes, beside: Scalar, key: str, value: object) -> bytes:
    """The file with a new entry behind another one of the same mapping.

    On a line of its own, indented as the other one is; in `{ }`, on the same line. Raises
    `SourceError` as `replaced` does.
    """
    key_start, _ = _bytes(data, _extent(data, beside, key=True), beside)
    _, end = _bytes(data, _extent(data, beside, key=False), beside)
    line_start = data.rfind(b"\n", 0, key_start) + 1
    lead = data[line_start:key_start].removeprefix(_BYTE_ORDER_MARK).decode()
    entry = f"{key}: {_spelled(value, '', data[:key_start])}"
    if _BLOCK_LEAD.fullmatch(lead):
        at = data.find(b"\n", end)
        at = len(data) if at < 0 else at
        carriage = data[at - 1 : at] == b"\r"
        at -= carriage
        new = f"{chr(13) if carriage else ''}\n{' ' * len(lead)}{entry}"
    else:
        at, new = end, f", {entry}"
    edited = data[:at] + new.encode() + data[at:]
    _check(data, edited, beside, {(*beside.field[:-1], key): value})
    return edited


def _extent(data: bytes, scalar: Scalar, *, key: bool) -> Extent:
    """Where a scalar, or its key, is now. Raises `SourceError` where it is not one line."""
    document = split_stream(data)[scalar.document]
    for extent in extents_of(document.text, first_line=document.line):
        if extent.path == scalar.field and extent.key is key:
            if extent.line != extent.end_line:
                raise _refused(scalar, "it runs over several lines")
            return extent
    raise _refused(scalar, "it is not written there itself")


def _bytes(data: bytes, extent: Extent, scalar: Scalar) -> tuple[int, int]:
    """The bytes of the file that an extent covers."""
    if data[:2] in _MARKS:
        raise _refused(scalar, "the file is not UTF-8")
    start = 0
    for _ in range(extent.line - 1):
        start = data.index(b"\n", start) + 1
    if extent.line == 1 and data.startswith(_BYTE_ORDER_MARK):
        start += len(_BYTE_ORDER_MARK)
    end = data.find(b"\n", start)
    try:
        line = data[start : len(data) if end < 0 else end].decode()
    except UnicodeDecodeError:
        raise _refused(scalar, "the file is not UTF-8") from None
    first = start + len(line[: extent.column - 1].encode())
    return first, first + len(line[extent.column - 1 : extent.end_column - 1].encode())


def _spelled(value: object, old: str, before: bytes) -> str:
    """A value as YAML writes it on one line, in the quotes of the old text where it had some."""
    lead = " " if before.endswith(b":") else ""
    if isinstance(value, str):
        if old.startswith("'") and value.isprintable():
            return lead + "'" + value.replace("'", "''") + "'"
        if old.startswith('"') or not value.isprintable() or _IN_FLOW.search(value):
            return lead + json.dumps(value)
    return lead + dump_yaml(value).removesuffix("\n")


def _check(old: bytes, new: bytes, scalar: Scalar, asked: Mapping[Field, object]) -> None:
    """Raise `SourceError` unless a file became what was asked for, and nothing else of it changed.

    What stands for the scalar elsewhere, through an alias, may change with it.
    """
    try:
        documents = _pairs(split_stream(old), split_stream(new), scalar)
        found = dict(_differences(*documents, ()))
    except (ManifestError, UnicodeDecodeError):
        raise _refused(scalar, "the new value cannot stand there") from None
    if not all(_same(found.pop(field, ...), value) for field, value in asked.items()):
        raise _refused(scalar, "the new value cannot stand there")
    echo = asked.get(scalar.field, _ABSENT)
    if not all(value is not _ABSENT and _same(value, echo) for value in found.values()):
        raise _refused(scalar, "other values depend on it")


def _pairs(
    before: Sequence[RawDocument], after: Sequence[RawDocument], scalar: Scalar
) -> tuple[object, object]:
    """The edited document before and after; every other one must be as it was."""
    if len(before) != len(after):
        raise ManifestError("another number of documents")
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        if number != scalar.document and one.text != other.text:
            raise ManifestError("another document changed")
    one, other = before[scalar.document], after[scalar.document]
    return load_document(one.text), load_document(other.text)


def _differences(one: Any, other: Any, path: Field) -> Iterator[tuple[Field, object]]:
    """Where two values differ, with what the second has there; `_ABSENT` for nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key not in other:
                yield (*path, key), _ABSENT
            elif key not in one:
                yield (*path, key), other[key]
            else:
                yield from _differences(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, (*path, index))
    elif not _same(one, other):
        yield path, other


def _same(one: object, other: object) -> bool:
    """Whether two values are equal and of one type; 1, 1.0 and true are three."""
    if one is _ABSENT or other is _ABSENT or one is ... or other is ...:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _at(value: Any, field: Field) -> Any:
    """The value at a path; None where it leads nowhere, as behind a merge key."""
    for segment in field:
        try:
            value = value[segment]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _refused(scalar: Scalar, why: str) -> SourceError:
    return SourceError(
        f"cannot be changed by itself: {why}",
        path=scalar.path,
        line=scalar.line,
        remedy="edit the file by hand, and open the change request for that",
    )
