"""`gitops-gate owners`: whom a path belongs to by CODEOWNERS, and why."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.errors import ConfigurationError, GitOpsGateError
from gitops_gate.reports.escaping import one_line

if TYPE_CHECKING:
    from gitops_gate.approvals.codeowners import Dialect, OwnerMatch, OwnersEntry, OwnersFile
    from gitops_gate.source import Tree

_REMOTE_HOST = re.compile(r"(?:\w+://)?(?:[^@/]*@)?([^/:]+)")
_MOST_OTHERS = 10
"""Entries that lost, listed for one path without `--all`."""


@click.command("owners")
@click.argument("paths", nargs=-1, metavar="PATH...", required=True)
@click.option("--repo", default=".", metavar="DIR", help="The repository; default: around here.")
@click.option(
    "--base",
    metavar="REV",
    help="The revision whose CODEOWNERS counts; default: the tip of the default branch.",
)
@click.option(
    "--codeowners",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="This file instead of a repository's.",
)
@click.option(
    "--dialect",
    type=click.Choice(["github", "gitlab"]),
    help="Whose rules it is read by; default: told from forge.url, from the remote `origin`, "
    "from the file's place, or from what else the repository has for GitHub or GitLab.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every entry that matches.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    *,
    paths: tuple[str, ...],
    repo: str,
    base: str | None,
    file: Path | None,
    dialect: str | None,
    show_all: bool,
    form: str,
) -> int:
    """Say which CODEOWNERS entry, section and owners apply to a path, and why.

    The file is the one that reviews go by: that of the default branch's tip, where the forge
    looks for it. Paths are relative to the root of the repository, and need not exist. Lines that
    the forge does not understand are warned about.

    \b
    Examples:
      gitops-gate owners apps/shop/deployment.yaml
      gitops-gate owners --base origin/release-1 --format json apps/a.yaml apps/b.yaml
      gitops-gate owners --codeowners CODEOWNERS --dialect gitlab docs/README.md

    Exits 0 with an answer, which may be that nobody owns the path, and 2 on errors.
    """
    from gitops_gate.approvals.codeowners import all_owners

    if file is not None and base is not None:
        raise click.UsageError("--base reads a repository's CODEOWNERS; leave out --codeowners")
    asked = [_cleaned(path) for path in paths]
    owners = _given(file, dialect) if file else _found(repo, base, dialect)
    answers: dict[str, tuple[OwnerMatch, ...]] = dict.fromkeys(asked, ())
    if owners:
        answers = all_owners(owners, asked)
    for problem in owners.problems if owners else ():
        skipped = "the line has no effect: " if problem.skipped else ""
        place = f"{owners.path if owners else ''}:{problem.line}"
        message = one_line(f"{place}: {skipped}{problem.reason}", 500)
        click.echo(f"gitops-gate: warning: {message}", err=True)
    if form == "json":
        from gitops_gate.reports.json_text import json_text

        click.echo(json_text(_as_json(owners, answers), 6), nl=False)
        return 0
    for line in _as_text(owners, answers, show_all=show_all):
        click.echo(line)
    return 0


def _cleaned(path: str) -> str:
    """A path as Git writes it. Raises `ConfigurationError` for one that can be in no tree."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise ConfigurationError(
            f"{one_line(path, 200)!r} is no path of a file in a repository",
            remedy="write it relative to the root of the repository",
        )
    return "/".join(parts)


def _given(file: Path, dialect: str | None) -> OwnersFile:
    """The file that `--codeowners` names."""
    from gitops_gate.approvals.codeowners import Dialect, dialect_of_place
    from gitops_gate.approvals.codeowners.find import read_codeowners

    chosen = Dialect(dialect) if dialect else dialect_of_place(file.absolute().as_posix())
    if chosen is None:
        raise _ask()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    return read_codeowners(content, chosen, str(file))


def _found(repo: str, base: str | None, dialect: str | None) -> OwnersFile | None:
    """The file of a repository, at the revision that decides; None where it has none."""
    from gitops_gate.approvals.codeowners import Dialect, find_codeowners
    from gitops_gate.source import open_repository

    with open_repository(repo) as opened:
        tree = opened.revision(base or opened.default_branch()).tree
        chosen = Dialect(dialect) if dialect else _dialect(tree, opened.origin() or "")
        return find_codeowners(tree, chosen)


def _dialect(tree: Tree, origin: str) -> Dialect:
    """The dialect of the pinned forge, of the remote's, or the one that the files speak of."""
    from gitops_gate.approvals.codeowners import Dialect, dialect_of_place

    remote = _REMOTE_HOST.match(origin)
    for host in (_pinned_host(tree), remote[1] if remote else ""):
        for forge in Dialect:
            if forge.value in host:
                return forge
    known = set()
    for path in tree.entries:
        if path in (".github/CODEOWNERS", ".gitlab/CODEOWNERS"):
            known.add(dialect_of_place(path))
        elif path.startswith(".github/"):
            known.add(Dialect.GITHUB)
        elif path == ".gitlab-ci.yml" or path.startswith(".gitlab/"):
            known.add(Dialect.GITLAB)
    told = next(iter(known)) if len(known) == 1 else None
    if told is None:
        raise _ask()
    return told


def _pinned_host(tree: Tree) -> str:
    """The host in the configuration's `forge.url`, "" where there is none or none can be read."""
    from urllib.parse import urlsplit

    from gitops_gate.config import CONFIGURATION_PATH, load_settings

    if CONFIGURATION_PATH not in tree.entries:
        return ""
    with contextlib.suppress(GitOpsGateError, ValueError):
        return urlsplit(load_settings(tree.read(CONFIGURATION_PATH)).forge.url or "").hostname or ""
    return ""


def _ask() -> ConfigurationError:
    return ConfigurationError(
        "whose CODEOWNERS this is cannot be told from its place",
        remedy="say --dialect github or --dialect gitlab: they read the same file differently",
    )


# ------------------------------------------------------------------------------- JSON


def _as_json(
    owners: OwnersFile | None, answers: dict[str, tuple[OwnerMatch, ...]]
) -> dict[str, Any]:
    return {
        "codeowners": owners.path if owners else None,
        "dialect": owners.dialect.value if owners else None,
        "paths": [
            {"path": path, "matches": [_match_json(match) for match in matches]}
            for path, matches in answers.items()
        ],
        "problems": [
            {"line": one.line, "reason": one.reason, "text": one.text, "skipped": one.skipped}
            for one in (owners.problems if owners else ())
        ],
    }


def _match_json(match: OwnerMatch) -> dict[str, Any]:
    return {
        "section": match.section,
        "owners": [{"kind": one.kind.value, "name": one.name} for one in match.owners],
        "required": match.required,
        "optional": match.optional,
        "excluded": match.entry.exclusion,
        "entry": _entry_json(match.entry),
        "others": [_entry_json(other) | {"lost": _lost(match, other)} for other in match.others],
    }


def _entry_json(entry: OwnersEntry) -> dict[str, Any]:
    return {
        "line": entry.line,
        "pattern": ("!" if entry.exclusion else "") + entry.pattern,
        "owners": [owner.text for owner in entry.owners],
        "default_owners": entry.inherited,
    }


# ------------------------------------------------------------------------------- text


def _as_text(
    owners: OwnersFile | None, answers: dict[str, tuple[OwnerMatch, ...]], *, show_all: bool
) -> Iterator[str]:
    if owners is None:
        yield "There is no CODEOWNERS file, so nobody owns anything."
        return
    yield one_line(f"{owners.path}, read as {_NAMES[owners.dialect.value]} does")
    for path, matches in answers.items():
        yield ""
        yield one_line(path)
        if not matches:
            yield "└─ nobody: no entry matches"
        for at, match in enumerate(matches):
            last = at == len(matches) - 1
            first, *more = _match_text(match, show_all=show_all)
            yield f"{'└─' if last else '├─'} {first}"
            yield from (f"{'  ' if last else '│ '} {line}" for line in more)


_NAMES = {"github": "GitHub", "gitlab": "GitLab"}


def _match_text(match: OwnerMatch, *, show_all: bool) -> Iterator[str]:
    section = "" if match.section is None else f"[{one_line(match.section)}] "
    yield f"{section}{_answer(match)}"
    entry = match.entry
    yield f"line {entry.line}: {_pattern(entry)}  {_why(match)}"
    shown = match.others if show_all else match.others[:_MOST_OTHERS]
    for other in shown:
        yield f"line {other.line}: {_pattern(other)}  {_whose(other)}: {_lost(match, other)}"
    if len(shown) < len(match.others):
        yield f"and {len(match.others) - len(shown)} more that match: --all shows them"


def _answer(match: OwnerMatch) -> str:
    if match.entry.exclusion:
        return "nobody: excluded"
    if not match.owners:
        return "nobody: the entry has no owners"
    names = ", ".join(one_line(owner.text) for owner in match.owners)
    if match.optional:
        return f"{names} (optional: nobody has to approve)"
    if len(match.owners) == 1 and match.required == 1:
        return names
    return f"{match.required} of {names}" if match.required > 1 else f"any of {names}"


def _why(match: OwnerMatch) -> str:
    if match.entry.exclusion:
        return "an exclusion wins over every other entry of its section"
    alone = "the only entry" if not match.others else "the last entry"
    where = "" if match.section is None else " of its section"
    defaults = ", with the section's default owners" if match.entry.inherited else ""
    return f"{alone}{where} that matches{defaults}"


def _pattern(entry: OwnersEntry) -> str:
    return one_line(("!" if entry.exclusion else "") + entry.pattern)


def _whose(entry: OwnersEntry) -> str:
    if entry.exclusion:
        return "an exclusion"
    return ", ".join(one_line(owner.text) for owner in entry.owners) or "nobody"


def _lost(match: OwnerMatch, other: OwnersEntry) -> str:
    """Why an entry that matches does not count."""
    if other.replaced_by is not None:
        return f"replaced by line {other.replaced_by}, which has the same pattern"
    if match.entry.exclusion:
        return f"line {match.entry.line} excludes the path"
    if other.line > match.entry.line:
        return f"counts where its pattern first stands, at line {other.rank}"
    return f"line {match.entry.line} is later"
