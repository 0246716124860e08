"""The names that links lead to: `#finding-<fingerprint>`, `#application-<name>`, `#change-<id>`.

They are the same for the same finding, application or resource in every run, so that a link in a
comment still leads somewhere after the next push. Every name begins with one of the three words,
so that none can stand for a part of the page itself.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote

from gitops_gate.changes.values import ResourceChange
from gitops_gate.findings import Finding

_PLAIN = "/@:+,;=~!$*()"
_ID_LENGTH = 16


def finding_anchor(finding: Finding) -> str:
    """`finding-<fingerprint>`."""
    return f"finding-{_quoted(finding.fingerprint)}"


def application_anchor(name: str) -> str:
    """`application-<name>`, what a URL cannot hold as it is percent-encoded."""
    return f"application-{_quoted(name)}"


def change_anchor(change: ResourceChange) -> str:
    """`change-<id>`: the id stands for the application and the resource, whatever changes in it."""
    identity = json.dumps([change.application, *change.resource.key])
    return f"change-{hashlib.sha256(identity.encode()).hexdigest()[:_ID_LENGTH]}"


def distinct(names: Iterable[str]) -> list[str]:
    """The names in their order, each used once: a second `x` becomes `x~2`."""
    seen: Counter[str] = Counter()
    taken: set[str] = set()
    made = []
    for name in names:
        seen[name] += 1
        one = name if seen[name] == 1 else f"{name}~{seen[name]}"
        while one in taken:
            seen[name] += 1
            one = f"{name}~{seen[name]}"
        taken.add(one)
        made.append(one)
    return made


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe=_PLAIN)
