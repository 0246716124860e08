"""Templates whose result depends on chance, on time, or on the cluster.

Helm renders them here without a cluster and once; the cluster's agent renders them again, with
another result. They are recognised by the functions that their actions call (Helm's "Template
Function List" and Sprig's reference). What depends on chance or time is rendered twice, which
shows the fields (`gitops_gate.render.differences`); what depends on the cluster can only be named
with its template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.render.charts import ChartFile
from gitops_gate.render.external import SecondRender

CHANCE = frozenset(
    {
        *("randAlpha", "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric"),
        *("uuidv4", "shuffle", "bcrypt", "htpasswd", "encryptAES"),
        *("genPrivateKey", "genCA", "genCAWithKey"),
        *("genSelfSignedCert", "genSelfSignedCertWithKey"),
        *("genSignedCert", "genSignedCertWithKey"),
    }
)
TIME = frozenset({"now", "ago"})
# Take the present moment when they are given no date, so they are worth a second render.
DATES = frozenset({"date", "date_in_zone", "dateInZone", "htmlDate", "htmlDateInZone"})
CLUSTER = frozenset({"lookup", "getHostByName"})
CAPABILITIES = ".Capabilities"
RELEASE = ".Release"
CLOSED_ARCHIVE = "archive"

_EVALUATES_TEXT = "tpl"
_KNOWN = CHANCE | TIME | DATES | CLUSTER | {_EVALUATES_TEXT}
_PROSE = (".md", ".txt", "LICENSE")

_COMMENT = re.compile(rb"-?[ \t\r\n]*/\*")
# An action up to its end, or up to a quote that nothing closes; strings may hold the delimiter.
_BODY = re.compile(rb'(?:[^"`}]|\}(?!\})|"(?:[^"\\\n]|\\.)*+"|`[^`]*+`)*+')
_STRINGS = re.compile(rb'"(?:[^"\\\n]|\\.)*+"|`[^`]*+`')
_WORD = re.compile(rb"(?<![\w.$])[A-Za-z_]\w*+")
_CAPABILITIES = re.compile(rb"(?<!\w)\.Capabilities\b")
_RELEASE = re.compile(rb"(?<!\w)\.Release\.(?:IsInstall|IsUpgrade|Revision)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A call in a template. `line` is 1-based, 0 for a file as a whole; `what` is the function.

    `inner` is the way inside the archive at `path`, "" when it is a file of the repository.
    """

    path: str
    inner: str
    line: int
    what: str


def find_uses(files: Iterable[ChartFile]) -> tuple[Use, ...]:
    """The calls of a chart that this module is about.

    Files outside `templates/` count only when some template evaluates text with `tpl`.
    """
    uses: list[Use] = []
    others: list[Use] = []
    for file in files:
        name = file.inner or file.path
        is_template = "templates" in name.split("/")[:-1]
        if name.endswith("/NOTES.txt") or (not is_template and name.endswith(_PROSE)):
            continue
        (uses if is_template or file.content is None else others).extend(_uses(file, is_template))
    evaluates_text = any(use.what == _EVALUATES_TEXT for use in uses)
    found = [*uses, *(others if evaluates_text else ())]
    return tuple(use for use in found if use.what != _EVALUATES_TEXT)


def second_render(uses: Iterable[Use]) -> SecondRender:
    """Whether anything may differ between two renders of the same files, and because of what."""
    called = {use.what for use in uses}
    if called & (TIME | DATES | {CLOSED_ARCHIVE}):
        return SecondRender.LATER
    return SecondRender.AT_ONCE if called & CHANCE else SecondRender.NONE


def cluster_findings(uses: Iterable[Use]) -> tuple[Finding, ...]:
    """One warning for each template that asks the cluster, with all its lines."""
    grouped: dict[tuple[str, str, str], list[int]] = {}
    for use in uses:
        if use.what in CLUSTER | {CAPABILITIES, RELEASE}:
            grouped.setdefault((use.path, use.inner, use.what), []).append(use.line)
    return tuple(
        _cluster_finding(Use(path=path, inner=inner, line=lines[0], what=what), lines)
        for (path, inner, what), lines in sorted(grouped.items())
    )


def unseen_findings(uses: Iterable[Use], seen: frozenset[str]) -> tuple[Finding, ...]:
    """A warning for each template that takes the time, or is closed, and differs nowhere.

    `seen` are the paths of templates for which fields are known to differ. A day that is
    formatted for a fixed zone is the same in two renders, and another one tomorrow.
    """
    found: dict[tuple[str, str], Finding] = {}
    for use in uses:
        if use.what not in TIME | {CLOSED_ARCHIVE} or use.path in seen:
            continue
        found.setdefault(
            (use.path, use.inner),
            Finding(
                rule="render/volatile",
                severity=Severity.WARNING,
                message=f"{_place(use)} {_REASONS[use.what]}, though two renders did not differ",
                location=_location(use),
                remediation="set the value from the values file instead",
            ),
        )
    return tuple(found.values())


_REASONS = {
    "now": "takes the present time",
    "ago": "takes the present time",
    CLOSED_ARCHIVE: "cannot be looked into and may depend on chance or time",
}


def _cluster_finding(use: Use, lines: list[int]) -> Finding:
    several = f" (lines {', '.join(map(str, lines))})" if len(lines) > 1 else ""
    if use.what == CAPABILITIES:
        message = (
            f"{_place(use)} asks for {use.what}{several}: rendered for the configured Kubernetes "
            "version and API versions, which may not be those of the cluster"
        )
        remedy = "keep schemas.kubernetes and helm.api_versions equal to the cluster's"
    elif use.what == RELEASE:
        message = (
            f"{_place(use)} asks whether the release is there already{several}: rendered as for a "
            "first installation, so what an upgrade makes of it cannot be checked"
        )
        remedy = "let the values file decide, not .Release.IsInstall, IsUpgrade or Revision"
    else:
        message = (
            f"{_place(use)} calls {use.what}{several}, which finds nothing here: what the cluster "
            "makes of it cannot be checked"
        )
        remedy = "take the value from the values file, or from a Secret that exists already"
    return Finding(
        rule="render/cluster-dependent",
        severity=Severity.WARNING,
        message=message,
        location=_location(use),
        remediation=remedy,
    )


def _place(use: Use) -> str:
    return use.inner or use.path.rpartition("/")[2]


def _location(use: Use) -> Location:
    """The line in a file of the repository; an archive only as a whole."""
    line = 0 if use.inner else use.line
    return Location(path=use.path, line=line, exact=line > 0)


def _uses(file: ChartFile, is_template: bool) -> Iterator[Use]:
    content = file.content
    if content is None:
        yield Use(path=file.path, inner=file.inner, line=0, what=CLOSED_ARCHIVE)
        return
    line, counted = 1, 0
    for start, code in _actions(content, is_template):
        for at, word in _words(code):
            line += content.count(b"\n", counted, start + at)
            counted = start + at
            yield Use(path=file.path, inner=file.inner, line=line, what=word)


def _words(code: bytes) -> list[tuple[int, str]]:
    found = [(word.start(), word.group().decode("ascii")) for word in _WORD.finditer(code)]
    found = [(at, word) for at, word in found if word in _KNOWN]
    found += [(match.start(), CAPABILITIES) for match in _CAPABILITIES.finditer(code)]
    found += [(match.start(), RELEASE) for match in _RELEASE.finditer(code)]
    return sorted(found)


def _actions(content: bytes, is_template: bool) -> Iterator[tuple[int, bytes]]:
    """Each action's offset and code, strings blanked out.

    A template is read as Go does ("text/template/parse", lexer), up to a quote that is never
    closed. From there on, and in other files, where quotes may belong to YAML, strings count as
    code: rather one call too many than one too few.
    """
    at = 0
    while (start := content.find(b"{{", at)) >= 0:
        start += 2
        if is_template and (comment := _COMMENT.match(content, start)):
            end = content.find(b"*/", comment.end())
            if end < 0:
                return
            at = end + 2
            continue
        if is_template:
            body = _BODY.match(content, start)
            assert body is not None
            at = body.end()
            if content.startswith(b"}}", at):
                yield start, _STRINGS.sub(lambda text: b" " * len(text.group()), body.group())
                continue
            is_template = False
        end = content.find(b"}}", start)
        at = end if end >= 0 else len(content)
        yield start, content[start:at]
