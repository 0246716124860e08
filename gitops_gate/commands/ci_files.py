"""The files that `init` gives a CI, and which CI a repository is for.

A template is shipped as it is used, so that linters and tests read the very file that users get.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Mapping
from pathlib import Path

from gitops_gate.errors import SourceError

TEMPLATES: Mapping[str, Mapping[str, str]] = {
    "github": {
        ".github/workflows/gitops-gate.yml": "github/gitops-gate.yml",
        ".github/workflows/gitops-gate-reviewed.yml": "github/gitops-gate-reviewed.yml",
    },
    "gitlab": {".gitlab-ci.yml": "gitlab/gitlab-ci.yml"},
}
"""The files of each CI, and the template of each, below `gitops_gate/ci/templates`."""

DELIVERY_TEMPLATES: Mapping[str, Mapping[str, str]] = {
    "github": {".github/workflows/gitops-gate-deliver.yml": "github/gitops-gate-deliver.yml"},
    "gitlab": {},
}
"""The files besides of a CI that delivers."""

NEXT: Mapping[str, str] = {
    "github": "pin the action in .github/workflows/gitops-gate.yml to a commit that you have read, "
    "merge, and require the status gitops-gate: see docs/github.md of gitops-gate",
    "gitlab": "give the project a masked variable GITOPS_GATE_TOKEN, pin the version in "
    ".gitlab-ci.yml to a commit that you have read, and require that pipelines succeed: "
    "see docs/gitlab.md of gitops-gate",
}
"""What a person still has to do."""

NEXT_TO_DELIVER: Mapping[str, str] = {
    "github": "make the App, the key, the ruleset and the environment `delivery`",
    "gitlab": "make the token, the key, the protected branches and the variables",
}
"""What delivery takes besides, before its configuration is merged."""

SHARED = frozenset({".gitlab-ci.yml"})
"""Files that are there for other things as well: what one of them lacks is shown, to be added."""

PUBLIC = {"github": "github.com", "gitlab": "gitlab.com"}
"""The hosts that need no address in the configuration."""

_TRACES = {"github": ".github", "gitlab": ".gitlab-ci.yml"}
_REMOTE = re.compile(
    r"(?:(?P<scheme>[a-z+]+)://)?(?:[^@/]*@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)(?P<port>:\d+)?"
)


def origin_of(root: Path) -> str | None:
    """The address of the server that the remote `origin` is on, None where there is no such remote.

    No more than scheme, host and port: the rest of a remote's URL can hold a password.
    """
    from gitops_gate.source.git import decode, run_git

    try:
        asked = run_git(("config", "--get", "remote.origin.url"), folder=str(root))
    except SourceError:
        return None
    found = _REMOTE.match(decode(asked.stdout).strip())
    if asked.code or not found or not ("." in found["host"] or found["scheme"]):
        return None
    if found["scheme"] in {"http", "https"}:
        return f"{found['scheme']}://{found['host']}{found['port'] or ''}"
    return f"https://{found['host']}"


def ci_of(root: Path, origin: str | None) -> str | None:
    """Which CI a repository is for: by where it comes from, or by what is in it."""
    host = (origin or "").partition("://")[2]
    for ci in PUBLIC:
        if ci in host:
            return ci
    for ci, trace in _TRACES.items():
        if (root / trace).exists():
            return ci
    return None


def own_forge(origin: str | None, ci: str | None) -> str | None:
    """The address that the configuration has to pin, None for a public forge or no known one."""
    public = PUBLIC.get(ci or "")
    return origin if public and origin and origin != f"https://{public}" else None


def files_for(
    ci: str | None, forge: str | None = None, deliver: str | None = None
) -> dict[str, str]:
    """The text of each file, by its path in the repository.

    `forge` is the address of one's own, if it is none of the public ones, and `deliver` the short
    name of the branch that is delivered, if one is.
    """
    folder = importlib.resources.files("gitops_gate.ci") / "templates"
    templates = {**TEMPLATES.get(ci or "", {})}
    if deliver is not None:
        templates |= DELIVERY_TEMPLATES.get(ci or "", {})
    texts = {path: folder.joinpath(name).read_text("utf-8") for path, name in templates.items()}
    if ci == "gitlab":
        public = f"https://{PUBLIC[ci]}"
        for path, text in texts.items():
            more = _GITLAB_DELIVERS if deliver is not None else ""
            texts[path] = text.replace(public, forge or public) + more
    elif deliver is not None:
        for path in DELIVERY_TEMPLATES.get(ci or "", {}):
            texts[path] = texts[path].replace("branches: [main]", f"branches: [{_scalar(deliver)}]")
    return texts


_GITLAB_DELIVERS = """\
      deliver: true
      repository-id: 0 # the numeric id of this project: Settings > General
"""


def delivered_branch(root: Path) -> tuple[str, str]:
    """The short name of the default branch, and the commit that it is at.

    Raises `SourceError` where there is none yet.
    """
    from gitops_gate.source import open_repository

    with open_repository(root) as repository:
        ref = repository.default_branch()
        commit = repository.resolve(ref)
    return ref.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/"), commit


def delivery_section(branch: str, start: str) -> list[str]:
    """The lines of a configuration that deliver a branch from a commit on."""
    return [
        "delivery:                  # docs/delivery.md of gitops-gate",
        "  branches:",
        f"    {_scalar(branch)}:",
        "      # What the cluster follows. Nobody but the deliver job may write it.",
        f"      ref: {_scalar(f'refs/heads/deploy/{branch}')}",
        "      # The first delivery begins after this commit: look at it, nobody else does.",
        f"      start: {_scalar(start)}",
        "  signing: {method: key, key: env:GITOPS_GATE_SIGNING_KEY}",
        "",
    ]


def _scalar(text: str) -> str:
    """Text as YAML: plain where nothing in it could be taken for something else."""
    plain = re.fullmatch(r"(main|master|trunk|refs/[\w./-]+)", text)
    return text if plain else json.dumps(text)
