"""A pull request that tries everything, in the form that has the least between it and the token.

The simple workflow runs with the head's files as its working folder and with a token that writes.
What a real runner would obey of what was printed is found by its own two rules
(`src/Runner.Common/ActionCommand.cs` of actions/runner), which are wider than those of act.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.acting import TOKEN, Acting, workflow_in_documentation
from tests.e2e.test_action import PINNED, UNPINNED, action, deployment, shop

__all__ = ["action", "shop"]

pytestmark = [pytest.mark.slow, pytest.mark.engine]

COMMANDS = {
    *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group"),
    *(
        "notice",
        "remove-matcher",
        "save-state",
        "set-env",
        "set-output",
        "stop-commands",
        "warning",
    ),
}
PLANTED = ("pip", "venv", "json", "sitecustomize", "usercustomize", "encodings", "gitops_gate")


def obeyed(lines: list[str]) -> list[str]:
    """The commands that a GitHub runner takes from the lines of one job, in order."""
    found: list[str] = []
    stopped = ""
    for printed in lines:
        line = printed.rstrip("\r\n")
        known = COMMANDS | ({stopped} if stopped else set())
        command = _second_form(line, known) or _first_form(line, known)
        if not command or (stopped and command[0] != stopped):
            continue
        if command[0] == stopped:
            stopped = ""
        elif command[0] == "stop-commands":
            stopped = command[1]
        else:
            found.append("=".join(command))
    return found


def _second_form(line: str, known: set[str]) -> tuple[str, str] | None:
    parts = re.match(r"\s*::(.*?)::(.*)", line, re.DOTALL)
    return (parts[1].split(" ")[0], parts[2]) if parts and parts[1].split(" ")[0] in known else None


def _first_form(line: str, known: set[str]) -> tuple[str, str] | None:
    parts = re.search(r"##\[(.*?)\](.*)", line, re.DOTALL)
    return (parts[1].split(" ")[0], parts[2]) if parts and parts[1].split(" ")[0] in known else None


@pytest.fixture
def simple(tmp_path: Path) -> Path:
    """The simple workflow of the documentation, and after it a look at what it left."""
    file = tmp_path / "simple.yml"
    look = """
      - if: ${{ !cancelled() }}
        env:
          VERDICT: ${{ steps.gate.outputs.verdict }}
          DIGEST: ${{ steps.gate.outputs.digest }}
        run: |
          echo "the verdict is $VERDICT"
          echo "the digest is $DIGEST"
          ! grep -rlFf "$ARTIFACTS/../needles" "$GITHUB_WORKSPACE" "$RUNNER_TEMP" "$HOME"
"""
    file.write_text(workflow_in_documentation().rstrip() + look)
    (tmp_path / "needles").write_text(f"{TOKEN}\n{encoded_token()}\n")
    return file


def encoded_token() -> str:
    return base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@contextmanager
def watched() -> Iterator[set[str]]:
    """The command lines of all processes of this machine, as long as it lasts."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def hostile_files(marker: Path) -> dict[str, str | None]:
    """Names and values that would be run, read as a command, or read as an expression."""
    run = f"$(touch {marker})`touch {marker}`"
    names = [
        run.replace("/", "_"),
        "##[set-output name=verdict]allow",
        "::set-output name=verdict::allow",
        "x\n::set-output name=digest::forged\n##[add-mask]deny",
    ]
    configs = {f"apps/{name}.yaml": hostile_config(run, at) for at, name in enumerate(names)}
    return {
        "apps/web.yaml": deployment(UNPINNED),
        ".gitattributes": f"* filter=x diff=x merge=x\n# {run}\n",
        **{f"{name}.py": f"open('{marker}', 'w')\n" for name in PLANTED},
        **configs,
    }


def hostile_config(run: str, number: int) -> str:
    """A ConfigMap that has a field too many, so that a finding shows it."""
    value = f"{run}\\n::set-output name=digest::forged\\n::error::forged\\n${{{{ github.token }}}}"
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{number}\n"
        f'  namespace: shop\ndata:\n  key: "{value}"\n  other: |\n'
        "    ::set-output name=verdict::allow\n    ##[set-output name=verdict]allow\n"
        "    ::add-mask::deny\n"
        f'"{value}": "##[set-output name=verdict]allow ##[add-mask]deny {value}"\n'
    )


@pytest.fixture
def attacked(shop: Acting, tmp_path: Path) -> Acting:
    """The shop with a pull request whose branch, title, files and values try to break out."""
    marker = tmp_path / "RAN"
    shop.forge.do("close", pull=1)
    shop.head = f"$(touch${{IFS}}{marker})`touch${{IFS}}{marker}`;'\"&|x"
    shop.git.git("branch", shop.head, "main")
    shop.commit(shop.head, hostile_files(marker))
    title = f'"; touch {marker}; $(touch {marker})\n::set-output name=verdict::allow\n${{{{ 1 }}}}'
    pull = {"title": title, "head": shop.head, "base": "main", "body": title}
    shop.forge.ask("/api/v3/repos/acme/shop/pulls", pull, token=TOKEN)
    return shop


def test_nothing_of_it_is_executed_obeyed_or_forged_and_the_token_stays_where_it_is(
    attacked: Acting, simple: Path, tmp_path: Path
) -> None:
    event = attacked.pull_request_event(2, body="$(touch RAN)")
    merge = attacked.git.git("rev-parse", "refs/pull/2/merge").strip()
    with watched() as command_lines:
        ran = attacked.run(
            "pull_request", event, workflow=simple, ref="refs/pull/2/merge", sha=merge, as_json=True
        )  # fmt: skip
    printed = ran.printed()
    log = "\n".join(line.rstrip("\r\n") for line in printed)
    assert ran.code == 1, ran.log

    assert not (tmp_path / "RAN").exists()
    commands = obeyed(printed)
    assert {command.split("=")[0] for command in commands} == {"error", "notice"}
    assert "error=forged" not in commands
    assert "\nthe verdict is deny" in log
    assert re.search(r"the digest is sha256:[0-9a-f]{64}", log)

    for secret in (TOKEN, encoded_token()):
        assert secret not in ran.log
        assert secret not in (tmp_path / "bin" / "git.log").read_text()
        assert not [one for one in command_lines if secret in one]
        for kept in attacked.artifacts.rglob("*"):
            assert not kept.is_file() or secret not in kept.read_text("utf-8", "replace")
    states = {state for _, state in attacked.forge.states}
    assert states <= {"failure", "error"}
    assert states


def test_the_simple_form_allows_as_well(shop: Acting, simple: Path) -> None:
    shop.commit("change", {"apps/web.yaml": deployment(PINNED), "README.md": "Hello\n"})
    event = shop.pull_request_event()
    ran = shop.run(
        "pull_request", event, workflow=simple, ref="refs/pull/1/merge",
        sha=shop.git.git("rev-parse", "refs/pull/1/merge").strip(),
    )  # fmt: skip
    assert ran.code == 0, ran.log
    assert shop.forge.states == [(shop.tip("change")[:12], "success")]
    assert shop.report()["verdict"] == "allow"


@pytest.mark.parametrize(
    ("lines", "commands"),
    [
        (["  ::error::x"], ["error=x"]),
        (["a ##[add-mask]x"], ["add-mask=x"]),
        (["::nonsense::x", "a ::error::x"], []),
        (["::stop-commands::t", "::error::x", "::t::", "::error::y"], ["error=y"]),
    ],
)
def test_a_runner_obeys(lines: list[str], commands: list[str]) -> None:
    assert obeyed(lines) == commands
