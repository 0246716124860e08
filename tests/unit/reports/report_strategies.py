"""Any report at all, with the texts that a hostile repository would put into it."""

from __future__ import annotations

import datetime

from hypothesis import strategies as st

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.config.settings import GateSettings
from gitops_gate.findings import Finding, Location, Severity, WaiverUse
from gitops_gate.resources.values import ResourceReference
from gitops_gate.verdict.values import (
    ApplicationOutcome,
    Coverage,
    Reason,
    Report,
    RulesEffect,
    Sides,
    Status,
    Verdict,
)

HOSTILE = (
    "@org/team",
    "see @someone",
    "#1",
    "org/repo#12",
    "GH-7",
    "!3",
    "https://evil.example/x",
    "www.evil.example",
    "mail me@evil.example",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[a]: https://evil.example",
    "<https://evil.example>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!-- marker -->",
    "</details>",
    "&lt;b&gt;",
    "a | b",
    "\\| x",
    "`code`",
    "``` fence",
    "````\n# heading\n````",
    "```\n</details>\n# heading",
    "\n# heading\n",
    "heading\n===",
    "\n\n- item",
    "/approve",
    "\n/merge\n",
    "1. one",
    "**bold** _it_ ~~gone~~",
    "$x$ $`y`$",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://evil.example\x07link",
    "\u202edlrow",
    "\u2066x\u2069",
    "zero\u200bwidth",
    "caf\udce9.yaml",
    "\ud800",
    "\x00\x07\x9b31m",
    "tab\there",
    "trailing\\",
    " ",
    "",
    ":warning: :x:",
    "{{ 7 * 7 }}",
    "' onclick='x",
    '" onclick="x',
    "漢字 und Ümläute",
    "@all @group/sub/team please",
    "a@-b.example xmpp:a@b.example mailto:a@b.example",
    "group/project#1 group/project!2 group/project$3 group/project&4",
    '~bug ~"two words" %v1 %"two words" $7 &8 ^alert#9',
    "[vulnerability:1] [issue:2] [feature_flag:g/p/3] *iteration:4 [contact:a@b.example]",
    "JIRA-12 CVE-2024-12345 GHSA-aaaa-bbbb-cccc gh-3",
    "4f1c2aa0b5d9c1e7f3a8c6d2e4b6f8a0c2d4e6f8 deadbeef o/r@91b07e3c",
    "[[_TOC_]]",
    "[TOC]",
    "[[page|title]]",
    "::include{file=README.md}",
    "\n::include{file=README.md}\n",
    "%{project_path} %{author}",
    "{+ added +} {- removed -} [+ a +] [- b -]",
    "[^1]\n\n[^1]: note ^[inline]",
    "---\ntitle: x\n---\n",
    ">>>\nquoted\n>>>",
    "$$x$$ \\(y\\) \\[z\\] $\\alpha$ $(x)$",
    "```mermaid\ngraph TD\n```",
    "~~~plantuml\nBob -> Alice\n~~~",
    "````suggestion\nx\n````",
    "<!-- gitops-gate:summary:gitops-gate:1 of=1 head=a base=b report=sha256:" + "0" * 64 + " -->",
    "\n<!-- gitops-gate:summary:gitops-gate:1 of=1 head=a base=b report=sha256:"
    + "0" * 64
    + " -->\n",
    "--> <b>",
    "|---|---|\n| /close |",
    "x\n  /close\n\t/assign @me",
    "> /close",
    "- [ ] task\n- [x] done",
    "term\n: definition",
    "||spoiler|| ==marked== H~2~O x^2^",
    "\u2028/close\u2029",
    "\u061c\u180e\ufeff\u00ad\U000e0041",
    "../../../../evil",
    "x" * 400,
    "` `` ``` ```` `````",
    "\\`\\|\\",
    "[x]: /close 'title'",
    "<a@b.example> <irc://x.example>",
    "file://etc/passwd irc://x smb://y",
    "&#64;all &commat;all &lt;script&gt;",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=12),
)
names = texts
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
counts = st.integers(0, 10**6)
references = st.builds(
    ResourceReference, api_version=texts, kind=texts, namespace=texts, name=texts
)
paths = st.lists(texts | st.integers(0, 9), max_size=3).map(tuple)
locations = st.builds(
    Location, path=names, line=st.integers(0, 99), column=st.integers(0, 99), exact=st.booleans()
)
waivers = st.builds(
    WaiverUse,
    rule=texts,
    reason=texts,
    owner=texts,
    expires=st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)),
)
findings = st.builds(
    Finding,
    rule=texts.map(lambda text: text or "rule"),
    severity=st.sampled_from(Severity),
    message=texts,
    application=st.none() | names,
    resource=st.none() | references,
    field=paths,
    location=st.none() | locations,
    introduced=st.booleans(),
    waiver=st.none() | waivers,
    remediation=st.none() | texts,
    suggestion=st.none() | texts,
    documentation=st.none() | texts,
    fingerprint=st.just("f"),
)
diffs = st.lists(st.tuples(st.sampled_from("+- @"), texts).map("".join), max_size=4).map("\n".join)
changes = st.builds(
    ResourceChange,
    application=names,
    operation=st.sampled_from(Operation),
    resource=references,
    previous=st.none() | references,
    risk=st.lists(st.sampled_from(["data-loss", "rollout", "rbac-widened"]), max_size=2).map(tuple),
    fields=st.lists(
        st.builds(FieldChange, path=paths, base=json_values, head=json_values), max_size=2
    ).map(tuple),
    diff=diffs | texts,
    redacted=counts,
    omitted=counts,
)
digests = st.none() | st.just(f"sha256:{'0' * 64}")
outcomes = st.builds(
    ApplicationOutcome,
    name=names,
    path=names,
    renderer=st.sampled_from(["directory", "kustomize", "helm"]),
    environment=texts,
    status=st.sampled_from(Status),
    affected=st.booleans(),
    reason=st.none() | texts,
    digest=st.builds(Sides, base=digests, head=digests),
    resources=st.builds(Sides, base=counts, head=counts),
    moved_from=st.none() | names,
)
coverages = st.builds(
    Coverage,
    applications_found=counts,
    applications_affected=counts,
    resources_seen=counts,
    schema_missing=counts,
    not_understood=st.lists(
        st.fixed_dictionaries({"path": names, "reason": texts}), max_size=2
    ).map(tuple),
    unclaimed=counts,
    omitted=counts,
)
effects = st.builds(
    RulesEffect,
    changed=st.lists(names, max_size=2).map(tuple),
    newly_denied=st.lists(findings, max_size=1).map(tuple),
    no_longer_denied=st.lists(findings, max_size=1).map(tuple),
    error=st.none() | texts,
)

lists = st.lists(texts, max_size=2)
accounts = st.fixed_dictionaries(
    {"id": st.none() | st.integers(1, 9), "login": texts, "bot": st.booleans()}
)
refusals = st.lists(
    st.fixed_dictionaries(
        {
            "account": accounts,
            "code": st.sampled_from(["bot", "not_asked", "source_changed"]),
            "message": texts,
        }
    ),
    max_size=2,
)
moments = st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z")
requirements = st.fixed_dictionaries(
    {
        "name": texts,
        "source": st.sampled_from(["rule", "codeowners", "rules-change", "repair", "freeze"]),
        "satisfied": st.booleans(),
        "optional": st.booleans(),
        "overridden": st.booleans(),
        "needed": st.integers(1, 3),
        "missing": st.integers(0, 1),
        "users": lists,
        "teams": lists,
        "roles": st.lists(st.sampled_from(["write", "maintain", "admin"]), max_size=2),
        "unresolved": lists,
        "permission": st.sampled_from(["write", "maintain", "admin", None]),
        "why": lists,
        "by": st.lists(accounts, max_size=2),
        "not_counted": refusals,
        "next": lists,
        "next_more": st.integers(0, 2000),
        "unknown": lists,
    }
)
freezes = st.fixed_dictionaries(
    {
        "name": texts,
        "holds": st.booleans(),
        "overridden": st.booleans(),
        "applications": lists,
        "opens_at": st.none() | moments,
        "labels": lists,
        "label": st.none() | texts,
        "exception": st.none() | requirements,
    }
)
overrides = st.fixed_dictionaries(
    {
        "holds": st.booleans(),
        "needed": st.integers(1, 2),
        "attempts": st.lists(
            st.fixed_dictionaries(
                {
                    "account": accounts,
                    "reason": texts,
                    "at": moments,
                    "refusal": st.none() | texts,
                }
            ),
            max_size=2,
        ),
    }
)
approvals = st.fixed_dictionaries(
    {
        "satisfied": st.booleans(),
        "head": texts,
        "base": texts,
        "requirements": st.lists(requirements, max_size=2),
        "freezes": st.lists(freezes, max_size=1),
        "override": st.none() | overrides,
        "one_more": lists,
        "not_counted": refusals,
        "unknown": lists,
        "reasons": st.lists(
            st.fixed_dictionaries(
                {
                    "code": st.sampled_from(
                        ["approvals_missing", "approvals_unreadable", "frozen"]
                    ),
                    "message": texts,
                    "verdict": st.sampled_from(["allow", "pending", "indeterminate"]),
                }
            ),
            max_size=1,
        ),
    }
)
"""Trees as a report of a stranger may have them: of the right shape, and with anything in it."""


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """A report; excerpts are given for the places of its findings."""
    found = draw(st.lists(findings, max_size=3))
    places = [f"{f.location.path}:{f.location.line}" for f in found if f.location]
    return Report(
        verdict=draw(st.sampled_from(Verdict)),
        reasons=tuple(
            draw(
                st.lists(
                    st.builds(
                        Reason,
                        code=texts.map(lambda text: text or "code"),
                        message=texts,
                        verdict=st.sampled_from(Verdict),
                    ),
                    min_size=1,
                    max_size=2,
                )
            )
        ),
        base=draw(st.none() | st.just("4f1c2aa0b5d9c1e7f3a8c6d2e4b6f8a0c2d4e6f8")),
        head=draw(st.none() | st.just("91b07e3c5a7d9f1b3d5f7a9c1e3a5c7e9b1d3f50")),
        applications=tuple(draw(st.lists(outcomes, max_size=2))),
        changes=tuple(draw(st.lists(changes, max_size=2))),
        findings=tuple(found),
        coverage=draw(coverages),
        approvals=draw(st.none() | approvals),
        rules_effect=draw(st.none() | effects),
        configuration=draw(st.just({}) | st.fixed_dictionaries({"source": texts, "digest": texts})),
        tools=draw(st.dictionaries(texts, texts, max_size=1)),
        warnings=tuple(draw(st.lists(texts, max_size=2))),
        mode=draw(st.sampled_from(["enforce", "advisory"])),
        gate=draw(
            st.builds(
                GateSettings,
                fail_on=st.sampled_from(Severity),
                scope=st.sampled_from(["introduced", "all"]),
            )
        ),
        excerpts={place: draw(texts) for place in places},
    )
