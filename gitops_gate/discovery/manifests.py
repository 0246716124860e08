"""Which Kubernetes objects a YAML or JSON file holds, found out with as little parsing as is safe.

Most files show at a glance what they are: one `apiVersion:` and one `kind:` at the start of a line
in each document. Whatever is not that plain, and whatever would lead to a file being left out or
to paths being followed, is read by the exact loader; so a quick look can never make a file go
unseen, whatever its author intends.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gitops_gate.discovery.agents import deployed_by
from gitops_gate.discovery.facts import NOTHING, Deployed, ManifestFacts
from gitops_gate.discovery.reading import LFS_POINTER, each_document, items
from gitops_gate.errors import ManifestError

_SUFFIXES = (".yaml", ".yml", ".json")

TOOL_GROUPS = frozenset(
    {
        "apiserver.config.k8s.io",
        "audit.k8s.io",
        "backstage.io",
        "builtin",
        "chainsaw.kyverno.io",
        "cli.kyverno.io",
        "client.authentication.k8s.io",
        "config.kubernetes.io",
        "ctlptl.dev",
        "eksctl.io",
        "k3d.io",
        "kind.sigs.k8s.io",
        "kind.x-k8s.io",
        "kpt.dev",
        "kubeadm.k8s.io",
        "kubelet.config.k8s.io",
        "kubeproxy.config.k8s.io",
        "kustomize.config.k8s.io",
        "kuttl.dev",
        "minikube.sigs.k8s.io",
        "mirror.openshift.io",
        "scorecard.operatorframework.io",
        "skaffold",
    }
)
"""API groups of files that configure a tool on somebody's machine and never reach a cluster."""

POLICY_GROUPS = frozenset({"templates.gatekeeper.sh", "constraints.gatekeeper.sh"})
"""API groups of Gatekeeper's policies (contract, section 4)."""

_NOT_YAML = "not YAML"
_NOT_A_KEY = "a mapping or a list cannot be a key"
"""How `gitops_gate.documents` words what Kubernetes' own reader refuses as well."""

_AGENT_GROUPS = frozenset({"argoproj.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"})
_CRD_GROUP = "apiextensions.k8s.io"
_CRD_KIND = "CustomResourceDefinition"

# Other spellings of the letters of "apiVersion" in a double-quoted or tagged key.
_HIDDEN = re.compile(rb"\\(?:x[4-7]|u00[4-7]|U000000[4-7]|\r?\n)")
_TEMPLATES = (b"{{", b"{%", b"<%")
_ODD_BREAKS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
_ODD_LINE = re.compile(rb"\n(?:[%\t]|\.\.\.|[\"'](?:apiVersion|kind))")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_VALUE = rb":[ \t]+([\"']?)([A-Za-z0-9][A-Za-z0-9._/-]*)\1[ \t]*(?:[ \t]#[^\n]*)?\r?$"
_API_VERSION = re.compile(rb"\napiVersion" + _VALUE, re.MULTILINE)
_KIND = re.compile(rb"\nkind" + _VALUE, re.MULTILINE)
_CRD_DEFINES = re.compile(rb"^  group" + _VALUE, re.MULTILINE)
_CRD_NAMES = re.compile(rb"^  names:[ \t]*\r?$", re.MULTILINE)
_CRD_DEFINES_KIND = re.compile(rb"^    kind" + _VALUE, re.MULTILINE)


def may_hold_manifests(path: str) -> bool:
    """Whether a file's name is one of those in which manifests are looked for."""
    return path.endswith(_SUFFIXES)


def is_tool_configuration(facts: ManifestFacts) -> bool:
    """Whether all documents of a file configure tools, by their API groups."""
    return bool(facts.kinds) and not facts.problem and all(map(_configures_tool, facts.kinds))


def is_policy(facts: ManifestFacts) -> bool:
    """Whether all documents of a file are Gatekeeper's policies."""
    return (
        bool(facts.kinds)
        and not facts.problem
        and all(group_of(version) in POLICY_GROUPS for version, _ in facts.kinds)
    )


def group_of(api_version: str) -> str:
    """The group of an apiVersion: "" for the core one, `builtin` for Kustomize's plug-ins."""
    return "builtin" if api_version == "builtin" else api_version.rpartition("/")[0]


def read_manifests(data: bytes) -> ManifestFacts:
    """The facts of a YAML or JSON file; never raises for its content."""
    if data.startswith(LFS_POINTER):
        return ManifestFacts(pointer=True)
    hidden = _may_hide(data)
    if not hidden and b"apiVersion" not in data:
        return NOTHING
    return _facts(data, quickly=not hidden)


def _may_hide(data: bytes) -> bool:
    """Whether a key can be there that the bytes do not show: escapes, encodings, `!!binary`."""
    return (
        data[:2] in (b"\xfe\xff", b"\xff\xfe")
        or b"\0" in data
        or (b"!" in data and (b"binary" in data or b"%" in data))
        or _HIDDEN.search(data) is not None
    )


@dataclass(frozen=True, slots=True)
class _Glimpse:
    """What a plain document shows without being read: its object's kind, and a CRD's."""

    pair: tuple[str, str] | None = None
    crd: tuple[str, str] | None = None


_NO_MANIFEST = _Glimpse()


def _is_odd(data: bytes) -> bool:
    """Whether a stream or a document holds what keeps a quick look from being sure.

    A stream that is not odd has no odd document: each starts where the stream or a line does.
    """
    return (
        b"{{" in data
        or (b"%" in data and any(mark in data for mark in _TEMPLATES))
        or _ODD_LINE.search(b"\n" + data) is not None
        or (not data.isascii() and any(odd in data for odd in _ODD_BREAKS))
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
        or data.startswith(_BYTE_ORDER_MARK)
    )


def _glimpse(document: bytes) -> _Glimpse | None:
    """The kind of a document that is plain and not special; None when it has to be read."""
    if b"apiVersion" in document and _is_odd(document):
        return None
    return _glimpse_of_plain(document)


def _glimpse_of_plain(document: bytes) -> _Glimpse | None:
    """As `_glimpse`, for a document of a stream that is not odd, in which `---` starts no line.

    Plain searches for bytes, and patterns only at what they find: this sees every manifest of a
    repository, and a pattern that is tried on each line takes five times as long.
    """
    if b"apiVersion" not in document:
        return _NO_MANIFEST
    text = b"\n" + document
    if text.count(b"\napiVersion") != 1 or text.count(b"\nkind") != 1:
        return None
    version = _API_VERSION.match(text, text.find(b"\napiVersion"))
    name = _KIND.match(text, text.find(b"\nkind"))
    if version is None or name is None:
        return None
    pair = version[2].decode(), name[2].decode()
    if _is_special(pair):
        return None
    if not _defines_kind(pair):
        return _Glimpse(pair)
    crd = _quick_crd(document)
    return None if crd is None else _Glimpse(pair, crd)


def _quick_crd(segment: bytes) -> tuple[str, str] | None:
    groups, kinds = _CRD_DEFINES.findall(segment), _CRD_DEFINES_KIND.findall(segment)
    if len(groups) != 1 or len(kinds) != 1 or len(_CRD_NAMES.findall(segment)) != 1:
        return None
    return groups[0][1].decode(), kinds[0][1].decode()


@functools.lru_cache(maxsize=4096)
def _is_special(pair: tuple[str, str]) -> bool:
    """Whether more is wanted than the quick look gives, or a mistake would hide a file."""
    group = group_of(pair[0])
    return (
        group in _AGENT_GROUPS
        or group in POLICY_GROUPS
        or pair[1].endswith("List")
        or _configures_tool(pair)
    )


def _configures_tool(pair: tuple[str, str]) -> bool:
    version, kind = pair
    return group_of(version) in TOOL_GROUPS or pair == ("v1", "Config") or kind == "Kptfile"


def _defines_kind(pair: tuple[str, str]) -> bool:
    return pair[1] == _CRD_KIND and group_of(pair[0]) == _CRD_GROUP


def _facts(data: bytes, *, quickly: bool) -> ManifestFacts:
    """The facts of all documents, of which only those are read that have to be."""
    kinds: dict[tuple[str, str], None] = {}
    crds: dict[tuple[str, str], None] = {}
    deployed: list[Deployed] = []
    problems: list[ManifestError] = []
    look: Callable[[bytes], _Glimpse | None] = _read_all
    if quickly:
        look = _glimpse if _is_odd(data) else _glimpse_of_plain
    for seen in each_document(data, look):
        if isinstance(seen, ManifestError):
            problems.append(seen)
            continue
        if isinstance(seen, _Glimpse):
            kinds |= {seen.pair: None} if seen.pair else {}
            crds |= {seen.crd: None} if seen.crd else {}
            continue
        for value in _objects(seen):
            pair = str(value["apiVersion"]), str(value["kind"])
            kinds[pair] = None
            deployed += deployed_by(value)
            if _defines_kind(pair):
                crds[_crd(value)] = None
    return ManifestFacts(
        kinds=tuple(sorted(kinds)),
        deployed=tuple(deployed),
        crds=tuple(sorted(crds)),
        problem=_in_words(problems[0]) if problems else "",
        template=bool(problems) and not kinds and _is_template(data, problems),
    )


def _read_all(_: bytes) -> None:
    return None


def _is_template(data: bytes, problems: list[ManifestError]) -> bool:
    """Whether a file is no YAML to anybody because it is still to be filled in.

    What only goes over a limit of ours, or is read by chance, could be deployed as it is.
    """
    return any(mark in data for mark in _TEMPLATES) and all(
        problem.message.startswith(_NOT_YAML) or problem.message == _NOT_A_KEY
        for problem in problems
    )


def _in_words(problem: ManifestError) -> str:
    return f"line {problem.line}: {problem.message}" if problem.line else problem.message


def _objects(document: object) -> Iterator[Mapping[str, object]]:
    """The objects of a document, those of a List taken out of it."""
    if not isinstance(document, Mapping):
        return
    if document.get("apiVersion") is None or document.get("kind") is None:
        return
    yield document
    if str(document["kind"]).endswith("List"):
        for item in items(document.get("items")):
            yield from _objects(item)


def _crd(value: Mapping[str, object]) -> tuple[str, str]:
    spec = value.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    names = spec.get("names")
    names = names if isinstance(names, Mapping) else {}
    return str(spec.get("group", "")), str(names.get("kind", ""))
