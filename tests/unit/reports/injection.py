"""What must hold of every Markdown body that we write, whatever was in the repository.

The element tree is ours: the same as for a report whose every text is one plain word. What is not
ours is text, and nothing in it is what a forge looks for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from gitops_gate.changes.values import ResourceChange
from gitops_gate.reports.escaping import block
from gitops_gate.reports.wording import GRAVE_RISKS
from gitops_gate.verdict.values import Report
from tests.unit.reports.forge_markdown import FORGES, REFERENCES, Element, parse

ALLOWED: Mapping[str, frozenset[str]] = {
    "h3": frozenset({"id"}),
    "h4": frozenset({"id"}),
    "a": frozenset({"href"}),
    "pre": frozenset({"lang"}),
    "span": frozenset(),
    "div": frozenset({"class"}),
    "p": frozenset({"class"}),
    **dict.fromkeys(
        (
            "br",
            "b",
            "strong",
            "em",
            "code",
            "sub",
            "ul",
            "li",
            "details",
            "summary",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "blockquote",
        ),
        frozenset[str](),
    ),
}
"""Every element that a body may have, with its attributes."""
OUR_ALERT = "[!WARNING]"
LANGUAGES = frozenset({"diff", "text"})
KEPT = frozenset({"documentation", "fingerprint", "mode", "gate", "forge"})
"""Fields that choose what is written rather than being written."""
CHOOSING = GRAVE_RISKS | {
    "findings",
    "nothing_blocks",
    "CustomResourceDefinition",
    "metadata",
    "labels",
    "annotations",
    "indeterminate",
    "allow",
    "pending",
    "approvals_missing",
    "frozen",
    "rule",
    "codeowners",
    "rules-change",
    "repair",
    "freeze",
}
"""Texts that choose how something is written, and stay what they are in a twin."""


def assert_harmless(body: str, links: Iterable[str] = ()) -> None:
    """Only our elements, links to `links` alone, no reference in any text, no command."""
    allowed = frozenset(links)
    assert_no_command(body)
    for name, render in FORGES.items():
        page, comments = parse(render(body))
        for path, node in page.walk():
            if isinstance(node, str):
                if not {"pre", "code"} & set(path) and node.strip() != OUR_ALERT:
                    assert_no_reference(node, name)
            else:
                assert_ours(node, allowed)
        for comment in comments:
            assert comment.startswith(" gitops-gate:summary:")


def assert_ours(element: Element, links: frozenset[str]) -> None:
    assert element.tag in ALLOWED, element
    assert set(element.attributes) <= ALLOWED[element.tag], element
    if element.tag == "a" and element.attributes.get("href"):
        assert element.attributes["href"] in links, element
    if element.tag == "pre":
        assert element.attributes.get("lang") in LANGUAGES, element
    if element.tag == "span":
        assert set(element.text) == {"$"}, element


def assert_no_reference(text: str, forge: str) -> None:
    for what, pattern in REFERENCES.items():
        assert not pattern.search(text), (forge, what, text)


def assert_no_command(body: str) -> None:
    """No line, in or out of code, can be a quick action, an include or the end of a fold."""
    fence = ""
    for number, line in enumerate(body.split("\n")):
        assert not line.startswith(("/", "::", ">>>", "---", "+++ ", ";;;")) or fence, line
        assert not line.startswith(("/", "::", ">>>")), line
        if not fence:
            cells = [line, *line.split("|")]
            assert not any(cell.lstrip(" \t>*-+#").startswith("/") for cell in cells), line
            assert number == 0 or not line.startswith(("[^", "[[", "$$", "~~~")), line
        if line.startswith("```"):
            if not fence:
                fence = line[: len(line) - len(line.lstrip("`"))]
            elif line == fence:
                fence = ""
    assert not fence


def skeleton(html: str) -> list[Any]:
    """The elements without texts, and without the dollars that are set apart."""
    return _shape(parse(html)[0])


def _shape(element: Element) -> list[Any]:
    return [
        [child.tag, _shape(child)]
        for child in element.children
        if isinstance(child, Element) and child.tag != "span"
    ]


def settled(report: Report) -> Report:
    """The report without suggestions that a remedy names already, since those are not shown."""
    return replace(
        report,
        findings=tuple(
            replace(f, suggestion=None) if (f.suggestion or "") in (f.remediation or "") else f
            for f in report.findings
        ),
    )


def plain_twin(value: Any) -> Any:
    """The same value with each text replaced by one plain word, equal ones by the same."""
    texts: set[str] = set()

    def gather(text: str) -> str:
        texts.add(text)
        return text

    _mapped(value, gather)
    words = {
        text: text if text in CHOOSING or not text.strip() else f"t{number:05}"
        for number, text in enumerate(sorted(texts))
    }
    return _mapped(value, words.__getitem__)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_mapped(item, change) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _mapped(getattr(value, field.name), change)
            for field in dataclasses.fields(value)
            if field.name not in KEPT
        }
        if isinstance(value, ResourceChange) and value.diff:
            changed["diff"] = "\n".join([change(value.diff)] * len(block(value.diff)))
        return dataclasses.replace(value, **changed)
    return value
