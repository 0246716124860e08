"""Rego source -> what we must know of it before any engine runs it.

Every module, shipped or from a repository, is parsed once by the embedded engine's parser,
whichever engine evaluates it later, so that both refuse the same files for the same reason:
functions that reach outside (`http.send`, `opa.runtime`, …) or depend on chance and time are not
on the allow-list, and a policy that calls one does not load.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.checks.policy.builtins import ALLOWED_BUILTINS, REFUSED_BUILTINS
from gitops_gate.documents import load_document
from gitops_gate.errors import ManifestError, PolicyError
from gitops_gate.tools import clean_text

NATIVE_ROOT = "gitops_gate"
LIBRARY_ROOT = "gitops_gate.lib"

_PACKAGE = re.compile(r"^\s*package\s+([^\s#;]+)", re.MULTILINE)
_WHERE_INVENTORY_IS = ((), ("inventory",), ("*",))
_NO_CODE = re.compile(r"`[^`]*`|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*")
_READ = re.compile(r"(?<![.\w])(?:data|input)\b(?:\.\w+)*")
_HEAD = re.compile(r"^(?:default[ ]+)?(\w+)", re.MULTILINE)
_CONTEXT_INPUTS = {"object", "oldObject", "operation", "parameters"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Rego file, parsed.

    `package` is dotted, without `data.`. `contextual` says that its result may depend on more
    than the resource, its predecessor, the operation and the parameters; `inventory` that it
    reads `data.inventory`. `uses` are the packages it refers to below `data`. `rules` are the
    names of the rules and functions that it defines.
    """

    path: str
    text: str
    package: str
    metadata: Mapping[str, Any]
    rules: frozenset[str]
    uses: frozenset[str]
    contextual: bool
    inventory: bool


def package_of(text: str) -> str | None:
    """The package a Rego file declares, read without parsing it; None when it declares none."""
    stripped = re.sub(r"#[^\n]*", "", text)
    found = _PACKAGE.search(stripped)
    return found.group(1) if found else None


def parse_module(path: str, text: str) -> Module:
    """Parse one Rego v1 file and look at what it calls and reads.

    Raises `PolicyError`, with file and line, when it does not parse, has a metadata block that
    is not YAML, or calls a function that is not on the allow-list.
    """
    tree = _syntax_tree(path, text)
    package = ".".join(_segments(tree["package"]["refr"]))
    rules = frozenset(_rule_names(tree["rules"]))
    reads = list(_reads(tree["rules"])) + [
        tuple(_segments(entry["refr"])) for entry in tree["imports"]
    ]
    _refuse_builtins(path, text, tree, rules)
    return _module(path, text, package, rules, reads)


def outline_module(path: str, text: str) -> Module:
    """What `parse_module` finds out about a module of the shipped library, without parsing it.

    Only for plain modules that were parsed and tested before: nothing is refused here. That both
    find the same in every module of the library is a test of ours; parsing them costs more than
    everything else that happens before the first resource.
    """
    code = _NO_CODE.sub('""', text)
    reads = [tuple(read.split(".")) for read in _READ.findall(code)]
    rules = frozenset(_HEAD.findall(code)) - {"package", "import"}
    return _module(path, text, package_of(text) or "", rules, reads)


def _module(
    path: str,
    text: str,
    package: str,
    rules: frozenset[str],
    reads: Sequence[tuple[str, ...]],
) -> Module:
    return Module(
        path=path,
        text=text,
        package=package,
        metadata=package_metadata(path, text),
        rules=rules,
        uses=frozenset(".".join(r[1:]) for r in reads if r[0] == "data" and len(r) > 1),
        contextual=any(_is_contextual(read) for read in reads),
        inventory=any(read[0] == "data" and read[1:2] in _WHERE_INVENTORY_IS for read in reads),
    )


def _syntax_tree(path: str, text: str) -> dict[str, Any]:
    import regorus

    engine = regorus.Engine()
    try:
        engine.add_policy(path, text)
        parsed = json.loads(engine.get_ast_as_json())
    except (RuntimeError, ValueError) as error:
        raise engine_error(error, path) from None
    tree: dict[str, Any] = parsed[0]["ast"]
    return tree


def engine_error(error: Exception, path: str | None = None) -> PolicyError:
    """The embedded engine's complaint as ours: one line of words, with the file and its line."""
    text = clean_text(str(error).split("Stack backtrace", 1)[0])
    place = re.search(r"-->\s*(.*?):(\d+):(\d+)", text)
    reason = re.search(r"^\s*(?:error:\s*)(.*)", text, re.MULTILINE | re.DOTALL)
    message = " ".join((reason.group(1) if reason else text).split())
    if place:
        return PolicyError(
            message, path=place.group(1), line=int(place.group(2)), column=int(place.group(3))
        )
    return PolicyError(message, path=path)


def package_metadata(path: str, text: str) -> Mapping[str, Any]:
    """The `# METADATA` block directly above the package, as values; empty where there is none.

    See https://www.openpolicyagent.org/docs/policy-reference#metadata. Raises `PolicyError`.
    """
    lines = text.splitlines()
    package = next((i for i, line in enumerate(lines) if re.match(r"\s*package\s", line)), 0)
    first = package
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    marker = [i for i in range(first, package) if lines[i].strip() == "# METADATA"]
    if not marker:
        return {}
    body = "\n".join(line[1:].removeprefix(" ") for line in lines[marker[-1] + 1 : package])
    try:
        value = load_document(body.encode(), strict=True, first_line=marker[-1] + 2)
    except ManifestError as error:
        raise PolicyError(f"metadata: {error.message}", path=path, line=error.line) from None
    if not isinstance(value, dict):
        raise PolicyError("metadata must be a mapping", path=path, line=marker[-1] + 1)
    return value


def _refuse_builtins(path: str, text: str, tree: Mapping[str, Any], own: frozenset[str]) -> None:
    source = text.encode()
    imported = {_alias(entry, source) for entry in tree["imports"]}
    for name, line in (*_calls(tree["rules"]), *_replacements(tree["rules"])):
        root = name.split(".", 1)[0]
        if name in ALLOWED_BUILTINS or name in own or root in imported or root == "data":
            continue
        why = REFUSED_BUILTINS.get(name, "it is not a function that both engines have")
        raise PolicyError(
            f"{name} may not be called: {why}",
            path=path,
            line=line,
            remedy="policies decide from the resource, the inventory and their parameters alone",
        )


def _alias(entry: Mapping[str, Any], source: bytes) -> str:
    """The name by which a module refers to what it imports; the parser gives its place alone."""
    place = entry.get("as")
    if isinstance(place, Mapping):
        return source[place["start"] : place["end"]].decode("utf-8", "replace")
    return list(_segments(entry["refr"]))[-1]


def _nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """Every tagged node below `node`, in no particular order, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            for tag, child in current.items():
                if tag != "span":
                    yield tag, child
                    stack.append(child)
        elif isinstance(current, list):
            stack.extend(current)


def _calls(policy: Any) -> Iterator[tuple[str, int]]:
    for tag, node in _nodes(policy):
        if tag == "Call" and isinstance(node, dict) and "fcn" in node:
            yield ".".join(_segments(node["fcn"])), int(node["span"]["line"])


def _replacements(policy: Any) -> Iterator[tuple[str, int]]:
    """Functions that `with` puts in the place of others, which calls them under another name.

    What replaces `input` or `data.inventory` is a value and never a function.
    """
    for tag, mods in _nodes(policy):
        for mod in mods if tag == "with_mods" else ():
            target = tuple(_segments(mod["refr"]))
            if target[0] == "input" or target[:2] == ("data", "inventory"):
                continue
            ((kind, node),) = [(t, n) for t, n in mod["as"].items() if t != "span"]
            name = ".".join(_segments(mod["as"]))
            if kind in {"Var", "RefDot", "RefBrack"} and not name.startswith("input."):
                yield name, int(node["span"]["line"])


def _reads(policy: Any) -> Iterator[tuple[str, ...]]:
    """Every reference, as its constant segments from the variable it starts at."""
    for tag, node in _nodes(policy):
        if tag in {"RefDot", "RefBrack"} and isinstance(node, dict):
            yield tuple(_segments({tag: node}))
    bare = _bare_variables(policy)
    yield from ((name,) for name in ("input", "data") if name in bare)


def _bare_variables(policy: Any) -> set[str]:
    """Variables that are used as a whole, not only as the start of a longer reference."""
    found: set[str] = set()
    stack: list[Any] = [policy]
    while stack:
        current = stack.pop()
        if isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, dict):
            for tag, child in current.items():
                if tag == "Var":
                    found.add(str(child["value"]))
                elif tag in {"RefDot", "RefBrack"}:
                    if "Var" not in child["refr"]:
                        stack.append(child["refr"])
                    stack.append(child.get("index"))
                elif tag != "span":
                    stack.append(child)
    return found


def _segments(reference: Mapping[str, Any]) -> Iterator[str]:
    """The constant segments of a reference, up to the first that is computed."""
    (tag, node), *_ = [(t, n) for t, n in reference.items() if t != "span"]
    if tag == "Var":
        yield str(node["value"])
    elif tag == "RefDot":
        yield from _segments(node["refr"])
        yield str(node["field"][1])
    elif tag == "RefBrack":
        yield from _segments(node["refr"])
        index = node["index"]
        yield str(index["String"]["value"]) if "String" in index else "*"
    else:
        yield "*"


def _rule_names(rules: Any) -> Iterator[str]:
    """The names that rules and functions define: the first segment of each head's reference."""
    for rule in rules:
        default = rule.get("Default")
        if default is not None:
            yield next(_segments(default["refr"]))
            continue
        for part in rule.get("Spec", {}).get("head", {}).values():
            if isinstance(part, dict) and "refr" in part:
                yield next(_segments(part["refr"]))


def _is_contextual(read: tuple[str, ...]) -> bool:
    if read[0] == "input":
        return len(read) < 2 or read[1] not in _CONTEXT_INPUTS
    return read[0] == "data" and not (len(read) > 1 and read[1] == NATIVE_ROOT)


@functools.cache
def native_id(package: str) -> str | None:
    """`gitops_gate.images.pinned` -> `images/pinned`; None for a package that is no rule."""
    parts = package.split(".")
    if len(parts) != 3 or parts[0] != NATIVE_ROOT or parts[1] == "lib":
        return None
    return f"{parts[1]}/{parts[2]}".replace("_", "-")
