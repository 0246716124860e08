"""CODEOWNERS is read as independent implementations read it.

GitHub: `github.com/hmarr/codeowners`, called by the small Go program in
`tests/integration/go/codeowners`. GitLab: Ruby's own `File.fnmatch`, which GitLab matches with.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gitops_gate.approvals.codeowners import Dialect, all_owners, parse
from gitops_gate.approvals.codeowners.gitlab import normalised
from tests.engines import require_program
from tests.unit.approvals.codeowners.tables import GITHUB, GITLAB, cases

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "go" / "codeowners"
RUBY = """require "json"
flags = File::FNM_DOTMATCH | File::FNM_PATHNAME
STDIN.each_line { |line| pattern, path = JSON.parse(line)
  puts File.fnmatch?(pattern, "/" + path, flags) }"""
ROUNDS = 400

Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def hmarr(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Ask the Go program about files; built once."""
    compiler = require_program("go", "nothing to compare GitHub's CODEOWNERS with")
    program = tmp_path_factory.mktemp("codeowners") / "codeowners"
    subprocess.run(
        [compiler, "build", "-o", program, "."],
        cwd=SOURCE,
        env={**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"},
        check=True,
        timeout=300,
    )

    def ask(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def ours(text: str, paths: list[str]) -> tuple[list[int], list[list[str]]]:
    """Line and owners of each path, as the Go program answers."""
    answers = all_owners(parse(text, Dialect.GITHUB), paths)
    lines = [answers[path][0].entry.line if answers[path] else 0 for path in paths]
    owners = [[one.text for match in answers[path] for one in match.owners] for path in paths]
    return lines, owners


def test_github_files_agree(hmarr: Ask) -> None:
    """Whole files of random patterns: which line counts for each of many paths."""
    random = Random(1)
    files = [_github_file(random) for _ in range(ROUNDS)]
    paths = [sorted({_path(random) for _ in range(200)}) for _ in files]
    answers = hmarr([{"text": t, "paths": p} for t, p in zip(files, paths, strict=True)])
    compared = 0
    for text, asked, answer in zip(files, paths, answers, strict=True):
        assert "error" not in answer, text
        lines, owners = ours(text, asked)
        wrong = [
            (path, theirs, mine)
            for path, theirs, mine in zip(asked, answer["lines"], lines, strict=True)
            if theirs != mine
        ]
        assert wrong == [], text
        assert owners == answer["owners"]
        compared += sum(line > 0 for line in lines)
    assert compared > ROUNDS * 50


def _github_file(random: Random) -> str:
    lines: list[str] = []
    while len(lines) < 12:
        pattern = "".join(
            random.choice(("a", "b", "/", "*", "**", "?", "\\*", "."))
            for _ in range(random.randint(1, 7))
        )
        if parse(pattern, Dialect.GITHUB).problems or _odd(pattern):
            continue
        owners = random.choice(("@a", "@b @org/team", "", "a@b.dev", "@a # @b"))
        lines.append(f"{pattern} {owners}")
    return "\n".join(lines)


def _odd(pattern: str) -> bool:
    """Rows of `**` and nothing else but slashes, which match nothing there and all files here."""
    return len(pattern) > 2 and set(pattern.split("/")) <= {"**", ""}


def _path(random: Random) -> str:
    names = ("a", "b", "ab", "aa", "a.b", "*", ".", "ba", "bab")
    return "/".join(random.choice(names) for _ in range(random.randint(1, 5)))


def test_the_table_for_github_agrees(hmarr: Ask) -> None:
    table = [case for case in cases(GITHUB) if not any(sign in case[0] for sign in r"[]{}()|^$:!ü")]
    answers = hmarr([{"text": f"{pattern} @a", "paths": [path]} for pattern, path, _ in table])
    assert len(table) > 200
    for (pattern, path, expected), answer in zip(table, answers, strict=True):
        assert (answer["lines"] == [1]) is expected, (pattern, path)


def fnmatch(questions: list[tuple[str, str]]) -> list[bool]:
    """Whether Ruby's `File.fnmatch` says that a normalised pattern matches a path."""
    ruby = require_program("ruby", "nothing to compare GitLab's patterns with")
    lines = "\n".join(json.dumps(question) for question in questions)
    done = subprocess.run(
        [ruby, "-e", RUBY], input=lines, capture_output=True, text=True, check=True
    )
    return [line == "true" for line in done.stdout.split()]


def gitlab_matches(pattern: str, path: str) -> bool:
    return bool(all_owners(parse(f"{pattern} @a", Dialect.GITLAB), [path])[path])


def test_gitlab_patterns_agree_with_ruby() -> None:
    random = Random(2)
    questions: list[tuple[str, str]] = []
    while len(questions) < 20_000:
        pattern = "".join(random.choice("ab/**?[]!^-\\.é{") for _ in range(random.randint(1, 9)))
        path = "".join(random.choice("ab/ab/a[]-!^\\é{") for _ in range(random.randint(1, 6)))
        path = "/".join(part for part in path.split("/") if part)
        # Not a pattern: headers, exclusions, and a backslash that escapes the space after it.
        if path and not pattern.startswith(("[", "^[", "!")) and not pattern.endswith("\\"):
            questions.append((pattern, path))
    answers = fnmatch([(normalised(pattern), path) for pattern, path in questions])
    wrong = [
        (pattern, path, theirs)
        for (pattern, path), theirs in zip(questions, answers, strict=True)
        if gitlab_matches(pattern, path) is not theirs
    ]
    assert wrong == []
    assert sum(answers) > 500


def test_the_table_for_gitlab_agrees_with_ruby() -> None:
    table = cases(GITLAB)
    answers = fnmatch([(normalised(pattern), path) for pattern, path, _ in table])
    assert answers == [expected for _, _, expected in table]
