"""The words of a renderer, made fit for a report.

Paths of the temporary folder become paths of the repository. Terminal escapes, control and
bidirectional characters go, and long output is cut. Values that the application keeps secret are
masked wherever they occur: those of `data` and `stringData` of Secrets (as written, encoded and
decoded), of `secretGenerator` literals and files, and of keys that are named like secrets. The
search is for the values found in the application's own files, so that it hides what an error
message quotes; a value that a template makes up on its own is not known to it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from gitops_gate.discovery.values import Closure
from gitops_gate.documents import load_document, split_stream
from gitops_gate.errors import GitOpsGateError
from gitops_gate.source.values import Mode, Tree
from gitops_gate.tools import clean_text

MASK = "[hidden]"
MAXIMUM_MESSAGE = 4000

_LARGEST_FILE = 1 << 20
_SHORTEST_SECRET = 4
_MANIFESTS = (".yaml", ".yml", ".json")
_NAMED_LIKE_SECRET = re.compile(
    r"""((?:pass(?:word|wd|phrase)?|secret|token|credentials?|api[_-]?key|private[_-]?key)"""
    r"""["']?\s*[:=]\s*["']?)([^\s"',}]{4,})""",
    re.IGNORECASE,
)
_WORTH_READING = re.compile(
    rb"secret|pass(word|wd|phrase)|token|credential|(api|private)[_-]?key", re.IGNORECASE
)
_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|credentials?|(api|private)[_-]?key)$", re.IGNORECASE
)


def clean_message(text: bytes | str, *, places: Mapping[str, str], secrets: Iterable[str]) -> str:
    """A tool's message for the report.

    `places` maps folders to what they stand for, "" being the repository's root; a folder that
    is not absolute also counts behind any number of `../`.
    """
    message = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for folder, meaning in places.items():
        start = "" if folder.startswith("/") else r"(?:\.\./)*"
        place = re.compile(rf"{start}{re.escape(folder)}(?:(/)|(?![\w.-]))")
        message = place.sub(_meaning(meaning), message)
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, MASK)
    message = _NAMED_LIKE_SECRET.sub(rf"\g<1>{MASK}", message)
    return clean_text(message, limit=MAXIMUM_MESSAGE)


def _meaning(meaning: str) -> Callable[[re.Match[str]], str]:
    """What replaces a folder, by whether a slash follows."""
    if meaning:
        return lambda match: meaning + (match[1] or "")
    return lambda match: "" if match[1] else "."


def secret_values(tree: Tree, closure: Closure) -> frozenset[str]:
    """Every secret that the application's files hold; files that cannot be read hold none."""
    found: set[str] = set()
    for path in sorted(closure.files):
        entry = tree.entries.get(path)
        if entry is None or entry.mode not in (Mode.FILE, Mode.EXECUTABLE):
            continue
        if not path.endswith(_MANIFESTS):
            continue
        for value in _documents(tree, path):
            found.update(_secrets_of_document(value, tree, path.rpartition("/")[0]))
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST_SECRET)


def _documents(tree: Tree, path: str) -> Iterator[object]:
    try:
        content = tree.read(path)
        if len(content) > _LARGEST_FILE or not _WORTH_READING.search(content):
            return
        for document in split_stream(content):
            yield load_document(document.text)
    except GitOpsGateError:
        return


def _secrets_of_document(value: object, tree: Tree, folder: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    if value.get("kind") == "Secret":
        for field in ("data", "stringData"):
            entries = value.get(field)
            for secret in entries.values() if isinstance(entries, dict) else ():
                yield from _forms(secret)
    for generator in _list(value.get("secretGenerator")):
        if isinstance(generator, dict):
            yield from _secrets_of_generator(generator, tree, folder)
    yield from _named_like_secrets(value)


def _secrets_of_generator(
    generator: Mapping[str, object], tree: Tree, folder: str
) -> Iterator[str]:
    for literal in _list(generator.get("literals")):
        yield from _forms(str(literal).partition("=")[2].strip("\"'"))
    for source in [*_list(generator.get("files")), *_list(generator.get("envs"))]:
        name = str(source).rpartition("=")[2]
        path = f"{folder}/{name}" if folder else name
        if path not in tree.entries:
            continue
        try:
            content = tree.read(path)[:_LARGEST_FILE].decode("utf-8", "replace")
        except GitOpsGateError:
            continue
        yield from _forms(content.strip())
        for line in content.splitlines():
            yield from _forms(line.strip())
            yield from _forms(line.partition("=")[2].strip().strip("\"'"))


def _named_like_secrets(value: object, depth: int = 0) -> Iterator[str]:
    if depth > 20:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and _SECRET_NAME.search(str(name)):
                yield from _forms(inner)
            else:
                yield from _named_like_secrets(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_like_secrets(inner, depth + 1)


def _forms(secret: object) -> Iterator[str]:
    """A value as it is, each of its lines, and both sides of Base64."""
    text = str(secret)
    yield text
    yield from (line.strip() for line in text.splitlines())
    yield base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    try:
        yield base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
