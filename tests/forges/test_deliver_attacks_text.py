"""Hostile names, titles and keys: nothing of them leaves as a command, as markup or as a crash."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

import pytest

from tests.forges.delivering import REF, STORE, Ground, Ran, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.github import actions

pytestmark = pytest.mark.slow

ESCAPES = "\x1b[31m\x1b]8;;https://evil.example\x07\r\n::set-env name=X::y\n##[set-env name=X]y\n"
MARKUP = "</details><script>alert(1)</script> @acme/sre [x](javascript:y) \u202e\u2066"
HOSTILE = ESCAPES + MARKUP


def harmless(done: Ran) -> None:
    said = done.out + done.err
    assert "Traceback" not in said
    assert "internal" not in done.err
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in said), repr(said)
    assert "\u202e" not in said
    lines = said.splitlines()
    assert not any(line.lstrip().startswith(("::set-env", "##[")) for line in lines), said


def push(ground: Ground, branch: str, entries: dict[bytes, bytes], message: bytes) -> str:
    """Push a commit on main with files of any name, and a message of any bytes."""
    git = ground.shop.git
    listing = git("ls-tree", "-z", "-r", ground.main).encode()
    lines = [line for line in listing.split(b"\0") if line]
    for name, content in entries.items():
        blob = git("hash-object", "-w", "--stdin", stdin=content).strip()
        lines.append(f"100644 blob {blob}\t".encode() + name)
    tree = tree_of(ground, lines)
    raw = f"tree {tree}\nparent {ground.main}\n".encode()
    raw += b"author ann <ann@example.com> 1795000000 +0000\n"
    raw += b"committer ann <ann@example.com> 1795000000 +0000\n\n" + message
    commit = git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).strip()
    git("update-ref", f"refs/heads/{branch}", commit)
    with ground.server.work():
        actions.sync(ground.server.world)
    return str(commit)


def tree_of(ground: Ground, lines: list[bytes]) -> str:
    """The id of a tree with these files, each `mode type id TAB path`."""
    here: list[bytes] = []
    below: dict[bytes, list[bytes]] = {}
    for line in lines:
        head, _, path = line.partition(b"\t")
        folder, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(folder, []).append(head + b"\t" + rest)
        else:
            here.append(head + b"\t" + path)
    for folder, inside in below.items():
        here.append(f"040000 tree {tree_of(ground, inside)}\t".encode() + folder)
    return str(ground.shop.git("mktree", "-z", stdin=b"\0".join(here) + b"\0").strip())


@pytest.fixture(autouse=True)
def _delivered(ground: Ground) -> None:
    assert ground.deliver().code == 0


@pytest.mark.parametrize("json_form", [True, False])
def test_titles_messages_and_file_names(ground: Ground, json_form: bool) -> None:
    named = "apps/" + ESCAPES.replace("/", "-").replace("\0", "") + ".yaml"
    names = {
        named.encode(): config_map("new", "hostile").encode(),
        b"apps/\xff\xfe.yaml": config_map("new", "bytes").encode(),
        b"other/\xed\xa0\x80/x.yaml": config_map("new", "surrogate").encode(),
        b"other/" + b"n" * 200 + b"/x.yaml": config_map("new", "long").encode(),
    }
    push(ground, "hostile", names, HOSTILE.encode() + b"\xff")
    ann = ground.server.account("ann")
    pull = ground.server.pull(ground.shop, head="hostile", author=ann, title=HOSTILE, body=HOSTILE)
    ground.server.approve(pull, by="rita")
    ground.server.merge(pull, method="rebase", by="mia")
    done = ground.deliver(json=json_form)
    harmless(done)
    assert done.code in (0, 1, 2)
    if done.code == 0:
        verified = ground.verify(ground.main)
        harmless(verified)
        assert verified.code == 0, verified.err


@pytest.mark.parametrize("json_form", [True, False])
def test_what_a_broken_file_says(ground: Ground, json_form: bool) -> None:
    broken: dict[str, str | None] = {
        "apps/settings.yaml": f"kind: {json.dumps(HOSTILE)}\napiVersion: [\n",
        "apps/more.yaml": f"apiVersion: v1\nkind: {json.dumps(HOSTILE)}\nmetadata: {{name: x}}\n",
    }
    ground.land(ground.change("broken", broken))
    done = ground.deliver(json=json_form)
    harmless(done)
    assert done.code in (1, 2)


def test_messages_in_a_hydrated_commit(ground: Ground) -> None:
    rules = ground.rules(hydrate=", hydrate: true").replace(REF, f"{REF}-plain")
    ground.land(ground.change("configure", {".gitops-gate.yaml": rules}))
    push(ground, "hostile", {b"apps/x.yaml": config_map("new", "x").encode()}, HOSTILE.encode())
    ann = ground.server.account("ann")
    pull = ground.server.pull(ground.shop, head="hostile", author=ann, title=HOSTILE)
    ground.server.approve(pull, by="rita")
    ground.server.merge(pull, method="rebase", by="mia")
    done = ground.deliver()
    harmless(done)
    message = ground.shop.git("log", "-1", "--format=%B", f"{REF}-plain")
    assert "\x1b" not in message
    assert not any(line.startswith("::") for line in message.splitlines())


def test_names_of_branches_and_tags(ground: Ground) -> None:
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    packed = ground.shop.git.path / "packed-refs"
    known = packed.read_bytes() if packed.exists() else b""
    names = [b"refs/heads/%0A", b"refs/heads/\xff\xfe", b"refs/tags/\xe2\x80\xae"]
    names += [b"refs/heads/" + b"n" * 200, b"refs/heads/$(id)", b"refs/heads/-f", b"refs/tags/main"]
    lines = [ground.start.encode() + b" " + name + b"\n" for name in sorted(names)]
    packed.write_bytes(known + b"".join(lines))
    done = ground.run("deliver", "--format", "json", "--repo", thin(ground))
    harmless(done)
    assert done.code == 0, done.out + done.err
    assert ground.delivered == ground.main


def thin(ground: Ground) -> str:
    folder = str(ground.folder / "thin")
    url = f"file://{ground.shop.git.path}"
    subprocess.run(["git", "clone", "--quiet", "--single-branch", url, folder], check=True)
    return folder


@pytest.mark.parametrize("branch", ["::error::x", "\x1b[31m", "main\n", "../main", "-f", "x" * 300])
def test_a_branch_that_is_named_on_the_command_line(ground: Ground, branch: str) -> None:
    done = ground.deliver("--branch", branch)
    harmless(done)
    assert done.code == 2


class TestSecrets:
    """The key, both tokens: never in what is printed, attested or given to a process."""

    def test_are_in_no_attestation_and_no_commit(self, ground: Ground) -> None:
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        ground.deliver()
        listed = ground.shop.git("ls-tree", "-r", "--name-only", STORE).split()
        text = "".join(ground.shop.git("show", f"{STORE}:{name}") for name in listed)
        text += ground.shop.git("log", "--format=%B%an%ae", STORE)
        for line in text.splitlines():
            if line.startswith("{"):
                text += base64.b64decode(json.loads(line)["payload"]).decode()
        for secret in secrets(ground):
            assert secret not in text

    def test_are_in_no_command_line(self, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []
        real = subprocess.Popen.__init__

        def spy(self: Any, *arguments: Any, **more: Any) -> None:
            seen.append(str(arguments[0] if arguments else more.get("args")))
            real(self, *arguments, **more)

        monkeypatch.setattr(subprocess.Popen, "__init__", spy)
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        assert ground.deliver().code == 0
        assert seen
        for secret in secrets(ground):
            assert not any(secret in one for one in seen)

    @pytest.mark.parametrize(
        "key",
        ["env:GITHUB_TOKEN", "env:GITOPS_GATE_DELIVERY_TOKEN", "env:PATH", "file:/etc/passwd",
         "file:/proc/self/environ", "file:/dev/zero", "env:", "env:A=B", "file:/", "ssh:x",
         "awskms:x", "hv:x", "azurekms://evil.example/keys/x", "file:\u202e\x1b[31m"],
    )  # fmt: skip
    def test_are_not_read_out_by_a_key_that_a_direct_push_names(
        self, ground: Ground, key: str
    ) -> None:
        text = ground.rules().replace("env:GITOPS_GATE_SIGNING_KEY", json.dumps(key)[1:-1])
        ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
        before = ground.delivered
        done = ground.deliver()
        harmless(done)
        assert done.code in (1, 2), done.out + done.err
        assert "root:" not in done.out + done.err
        assert ground.delivered == before

    @pytest.mark.parametrize("pem", ["x", "-----BEGIN PRIVATE KEY-----\nSECRET\n", "\x1b[31m"])
    def test_a_key_that_is_none_is_not_shown(self, ground: Ground, pem: str) -> None:
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        ground.environment["GITOPS_GATE_SIGNING_KEY"] = pem
        done = ground.deliver()
        harmless(done)
        assert done.code == 2
        assert "SECRET" not in done.out + done.err


def secrets(ground: Ground) -> list[str]:
    names = ("GITHUB_TOKEN", "GITOPS_GATE_DELIVERY_TOKEN", "GITOPS_GATE_SIGNING_KEY")
    values = [ground.environment[name] for name in names]
    return [*values[:2], values[2].splitlines()[1]]


@pytest.mark.parametrize("kind", ["trace", "configuration", "places", "proxy"])
def test_variables_that_git_would_heed_change_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Such as a pipeline's caller may set; what they write or run would see the credential."""
    seen = ground.folder / "seen"
    hostile = {
        "trace": {
            name: str(seen)
            for name in ("GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_PACKET", "GIT_TRACE2_EVENT")
        },
        "configuration": {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "url.http://127.0.0.1:1/.insteadOf",
            "GIT_CONFIG_VALUE_0": ground.server.origin,
            "GIT_CONFIG_KEY_1": "core.hooksPath",
            "GIT_CONFIG_VALUE_1": str(ground.folder),
            "GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='touch seen'",
            "GIT_ASKPASS": f"touch {seen}",
            "GIT_SSH_COMMAND": f"touch {seen}",
        },
        "places": {
            "GIT_DIR": str(ground.folder),
            "GIT_WORK_TREE": str(ground.folder),
            "GIT_OBJECT_DIRECTORY": str(ground.folder),
            "GIT_INDEX_FILE": str(seen),
            "GIT_EXEC_PATH": str(ground.folder),
            "GIT_TEMPLATE_DIR": str(ground.folder),
            "GIT_REPLACE_REF_BASE": "refs/heads/",
        },
        "proxy": {
            "http_proxy": "http://127.0.0.1:1",
            "HTTP_PROXY": "http://127.0.0.1:1",
            "ALL_PROXY": "http://127.0.0.1:1",
            "NO_PROXY": "127.0.0.1",
        },
    }[kind]
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    clone = thin(ground)
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    done = ground.run("deliver", "--format", "json", "--repo", clone)
    harmless(done)
    assert done.code == 0, done.out + done.err
    assert not seen.exists()
    for secret in secrets(ground):
        assert secret not in done.out + done.err


def test_comments_of_any_size_do_not_grow_what_is_attested(ground: Ground) -> None:
    """Everybody may write them, and an attestation has a largest size."""
    pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
    world, mallory = ground.server.world, ground.server.account("mallory")
    with ground.server.work():
        for words in ("\U0001f600" * 60_000, f"/gitops-gate override {pull.head} " + "y" * 60_000):
            for _ in range(3):
                actions.comment(world, pull, mallory, words)
    ground.land(pull)
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    listed = ground.shop.git("ls-tree", "-r", "--name-only", STORE).split()
    path = max(name for name in listed if name.endswith(".jsonl"))
    assert len(ground.shop.git("show", f"{STORE}:{path}")) < 50_000
    assert ground.verify(ground.main).code == 0
