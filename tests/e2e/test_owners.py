"""`gitops-gate owners`: whom a path belongs to, with a repository and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.repositories import repository
from tests.unit.source.repositories import GitRepository

SECTIONS = """\
* @admin
!*.lock
[Docs][2] @d1 @group/sub
README.md
^[Later]
*.md @@maintainer
oops.md oops
"""


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    return repository(tmp_path / "repository", {".github/CODEOWNERS": "* @a\n/x/ @b @org/c\n"})


def test_the_tree_explains_which_line_counts_and_why_others_do_not(
    tmp_path: Path, command: Any
) -> None:
    file = tmp_path / "CODEOWNERS"
    file.write_text(SECTIONS)
    done = command("owners", "--codeowners", file, "--dialect", "gitlab", "README.md", "x/a.lock")
    assert done.code == 0
    assert (
        done.out
        == f"""\
{file}, read as GitLab does

README.md
├─ @admin
│  line 1: *  the only entry that matches
├─ [Docs] 2 of @d1, @group/sub
│  line 4: README.md  the only entry of its section that matches, with the section's default owners
└─ [Later] @@maintainer (optional: nobody has to approve)
   line 6: *.md  the only entry of its section that matches

x/a.lock
└─ nobody: excluded
   line 2: !*.lock  an exclusion wins over every other entry of its section
   line 1: *  @admin: line 2 excludes the path
"""
    )
    assert done.err == (
        f"gitops-gate: warning: {file}:7: no owners, and ignored: oops; nobody owns it, "
        "and GitLab approves it by itself\n"
    )


def test_the_base_decides_and_not_the_branch_nor_the_working_tree(
    made: GitRepository, command: Any
) -> None:
    made.git("checkout", "--quiet", "-b", "mine")
    made.write(".github/CODEOWNERS", "* @me\n")
    made.commit()
    made.write(".github/CODEOWNERS", "* @nobody\n")
    ask = ("owners", "--repo", made.folder, "x/y")
    assert "any of @b, @org/c" in command(*ask).out
    assert "@me" in command(*ask, "--base", "mine").out


def test_json_says_all_of_it(made: GitRepository, command: Any) -> None:
    done = command("owners", "--repo", made.folder, "--format", "json", "x/y", "./z")
    answer = json.loads(done.out)
    assert (answer["codeowners"], answer["dialect"]) == (".github/CODEOWNERS", "github")
    first, second = answer["paths"]
    assert first == {
        "path": "x/y",
        "matches": [
            {
                "section": None,
                "owners": [{"kind": "user", "name": "b"}, {"kind": "team", "name": "org/c"}],
                "required": 1,
                "optional": False,
                "excluded": False,
                "entry": {
                    "line": 2,
                    "pattern": "/x/",
                    "owners": ["@b", "@org/c"],
                    "default_owners": False,
                },
                "others": [
                    {
                        "line": 1,
                        "pattern": "*",
                        "owners": ["@a"],
                        "default_owners": False,
                        "lost": "line 2 is later",
                    }
                ],
            }
        ],
    }
    assert second["path"] == "z"


def test_nobody_is_an_answer(made: GitRepository, command: Any, tmp_path: Path) -> None:
    made.write(".github/CODEOWNERS", "/x/ @a\n/x/y\n")
    made.commit()
    done = command("owners", "--repo", made.folder, "elsewhere", "x/y")
    assert done.code == 0
    assert "nobody: no entry matches" in done.out
    assert "nobody: the entry has no owners" in done.out
    empty = repository(tmp_path / "empty", {".github/x": ""})
    done = command("owners", "--repo", empty.folder, "a")
    assert (done.code, done.out) == (0, "There is no CODEOWNERS file, so nobody owns anything.\n")
    done = command("owners", "--repo", empty.folder, "a", "--format", "json")
    assert json.loads(done.out)["paths"] == [{"path": "a", "matches": []}]


@pytest.mark.parametrize(
    ("files", "first"),
    [
        ([".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"], ".github/CODEOWNERS"),
        (["CODEOWNERS", "docs/CODEOWNERS", ".github/workflows/x.yml"], "CODEOWNERS"),
        (["docs/CODEOWNERS", ".github/x"], "docs/CODEOWNERS"),
        (["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"], "CODEOWNERS"),
        (["docs/CODEOWNERS", ".gitlab/CODEOWNERS"], "docs/CODEOWNERS"),
        ([".gitlab/CODEOWNERS"], ".gitlab/CODEOWNERS"),
        (["docs/CODEOWNERS", ".gitlab-ci.yml"], "docs/CODEOWNERS"),
    ],
)
def test_the_first_place_of_the_forge_counts(
    files: list[str], first: str, tmp_path: Path, command: Any
) -> None:
    made = repository(tmp_path / "r", dict.fromkeys(files, "* @a\n"))
    done = command("owners", "--repo", made.folder, "x")
    assert done.out.startswith(f"{first}, read as Git{'Lab' if 'gitlab' in str(files) else 'Hub'}")


@pytest.mark.parametrize(
    ("url", "name"), [("https://gitlab.example", "GitLab"), ("https://github.example", "GitHub")]
)
def test_the_pinned_forge_tells_the_dialect(
    url: str, name: str, tmp_path: Path, command: Any
) -> None:
    configuration = f"version: 1\nforge: {{url: {url}}}\n"
    made = repository(
        tmp_path / "r",
        {"CODEOWNERS": "* @a\n", ".github/x": "", ".gitops-gate.yaml": configuration},
    )
    assert f"read as {name} does" in command("owners", "--repo", made.folder, "x").out


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://gitlab.com/group/project.git", "GitLab"),
        ("git@gitlab.example:github/mirror.git", "GitLab"),
        ("ssh://git@github.com:22/gitlab/x", "GitHub"),
        ("https://user:gitlab@github.example/x", "GitHub"),
        ("https://forge.example/gitlab/x", "GitHub"),
    ],
)
def test_the_remote_tells_the_dialect(origin: str, name: str, tmp_path: Path, command: Any) -> None:
    made = repository(tmp_path / "r", {"CODEOWNERS": "* @a\n", ".github/x": ""})
    made.git("remote", "add", "origin", origin)
    assert f"read as {name} does" in command("owners", "--repo", made.folder, "x").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x"], "whose CODEOWNERS this is cannot be told"),
        (["--dialect", "github", ".."], "no path of a file"),
        (["--dialect", "github", "--base", "nowhere", "x"], "nowhere"),
        (["--codeowners", "CODEOWNERS", "--base", "main", "x"], "--base reads a repository's"),
        (["--dialect", "bitbucket", "x"], "'bitbucket' is not one of"),
        ([], "Missing argument"),
    ],
)
def test_errors_end_with_2(
    arguments: list[str], said: str, tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = repository(tmp_path / "r", {"CODEOWNERS": "* @a\n"})
    monkeypatch.chdir(made.folder)
    done = command("owners", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("content", [b"* @a\n" * 700_000, b"* @a\0"])
def test_a_file_that_the_forge_does_not_load_is_an_error(
    content: bytes, tmp_path: Path, command: Any
) -> None:
    made = repository(tmp_path / "r", {".github/CODEOWNERS": content})
    done = command("owners", "--repo", made.folder, "x")
    assert (done.code, done.out) == (2, "")
    assert ".github/CODEOWNERS: the file " in done.err


def test_what_a_file_says_does_nothing_to_a_terminal(tmp_path: Path, command: Any) -> None:
    file = tmp_path / "CODEOWNERS"
    file.write_bytes(b"[\x1b[31mred]\n* @a\n* \x1b]0;x\x07\n")
    done = command("owners", "--codeowners", file, "--dialect", "gitlab", "a\u202eb")
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out


def test_shells_complete_the_command(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_GITOPS_GATE_COMPLETE": "bash_complete",
        "COMP_WORDS": "gitops-gate owners --di",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from gitops_gate.commands import group; group(prog_name='gitops-gate')",
        ],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "--dialect" in done.stdout
