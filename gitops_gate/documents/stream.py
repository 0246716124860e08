"""Cuts a YAML stream into documents where Kubernetes does: by its text, before YAML is looked at.

kubectl, Argo CD and Flux read through `k8s.io/apimachinery`'s `YAMLReader`. It goes line by line: a
line that starts with `---` ends a document, wherever it stands, inside a quoted string or a block
scalar too; after `---` only blanks and a comment may follow, anything else is an error. Each piece
then goes to `sigs.k8s.io/yaml`, which reads the first YAML document in it and nothing behind that.

YAML itself cuts differently in a few places. Where the two disagree on what a file holds, it is
refused, here or (a second document inside a piece, after `...` or a lone carriage return) when the
piece is loaded:

- `---#x` and `---` followed by an exotic space are separators to the reader, text to YAML.
- A separator's comment that holds a line break of YAML 1.1 (CR, NEL, LS, PS) ends there for YAML,
  and `---` may follow such a line break.

CR LF is read as LF and a missing line break at the end is added, as the reader does; a byte order
mark at the start is dropped, as kubectl does. A UTF-16 stream is one document: the reader does not
see its separators, and a second document in it is refused.

Source: <https://pkg.go.dev/k8s.io/apimachinery/pkg/util/yaml#YAMLReader>.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitops_gate.documents.limits import DEFAULT_LIMITS, Limits
from gitops_gate.documents.nodes import compose
from gitops_gate.documents.problems import as_text
from gitops_gate.errors import ManifestError

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR = b"\n---"
_PLAIN_REST = re.compile(rb"[ \t]*(?:[ \t]#[\t -~]*)?")
_COMMENT_REST = re.compile(r"[ \t]+#[^\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd-\uffff]*")
_ODD_SEPARATOR = re.compile(rb"(?:\r|\xc2\x85|\xe2\x80[\xa8\xa9])---")
_CONTENT = re.compile(rb"^ *[^ #\n]", re.M)
_NOT_ASCII_TEXT = re.compile(rb"[^ -~\n]")


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One document of a stream as it stands there, without its separator.

    `line` is the 1-based line of the stream on which `text` starts.
    """

    text: bytes
    line: int


def split_stream(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[RawDocument, ...]:
    """The documents of a stream; those that are empty or hold only comments are left out.

    Raises `ManifestError` where Kubernetes' reader does, where it and YAML would cut differently,
    and beyond the limits.
    """
    return cut(data, limits, close_last_line=True)


def cut(data: bytes, limits: Limits, *, close_last_line: bool) -> tuple[RawDocument, ...]:
    """As `split_stream`; without `close_last_line`, the end of the stream is left as it is."""
    if len(data) > limits.max_bytes:
        raise ManifestError(f"a stream of more than {limits.max_bytes:,} bytes", line=1)
    if data[:2] in _UTF16_MARKS:
        return (RawDocument(data, 1),)
    data = data.removeprefix(_UTF8_MARK)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if close_last_line and not data.endswith(b"\n"):
        data += b"\n"
    return tuple(_documents(data, limits.max_documents))


def _documents(data: bytes, most: int) -> list[RawDocument]:
    """What stands between the separators and is not empty. Hot: a stream has thousands."""
    has_content = _CONTENT.search
    documents = []
    pieces = 1
    start, line = (_after_separator(data, 3, 1), 2) if data.startswith(b"---") else (0, 1)
    while (at := data.find(_SEPARATOR, max(start - 1, 0))) >= 0:
        text = data[start : at + 1]
        if has_content(text) or not _is_empty(text, line):
            documents.append(RawDocument(_checked(text, line), line))
        pieces += 1
        if pieces > most:
            raise ManifestError(f"a stream of more than {most:,} documents", line=line)
        line += text.count(b"\n")
        start = at + 5 if data[at + 4 : at + 5] == b"\n" else _after_separator(data, at + 4, line)
        line += 1
    text = data[start:]
    if has_content(text) or not _is_empty(text, line):
        documents.append(RawDocument(_checked(text, line), line))
    return documents


def _checked(text: bytes, line: int) -> bytes:
    """The document, unless only its separator, which is cut off, made it mean something else."""
    if text.startswith(_UTF8_MARK):
        raise ManifestError("a byte order mark that is not at the start of the file", line=line)
    if line == 2 and _ODD_SEPARATOR.search(text):
        raise ManifestError("a separator --- after a line break that is not LF", line=line)
    return text


def _after_separator(data: bytes, start: int, line: int) -> int:
    """Where the line ends on which a separator was found, once its rest is known to be harmless."""
    end = data.find(b"\n", start)
    rest = data[start:] if end < 0 else data[start:end]
    comment = rest.decode("utf-8", "replace")
    if not _PLAIN_REST.fullmatch(rest) and not _COMMENT_REST.fullmatch(comment):
        raise ManifestError(
            "a line that starts with --- may only go on with a comment, after a blank",
            line=line,
            column=1,
        )
    return len(data) if end < 0 else end + 1


def _is_empty(text: bytes, line: int) -> bool:
    """Whether blank lines and comments, all that there is, hold nothing for YAML either."""
    if not _NOT_ASCII_TEXT.search(text):
        return True
    return compose(as_text(text, line), DEFAULT_LIMITS) is None
