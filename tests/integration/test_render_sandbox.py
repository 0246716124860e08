"""What a confined program cannot do, tried by real programs."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Renderer
from gitops_gate.errors import ToolError
from gitops_gate.render import sandbox, sandbox_status
from gitops_gate.render.sandbox import landlock, namespaces, programs
from gitops_gate.tools import Completed, run
from tests.integration.render_probe import ALLOWED, PROBE, PROMISED
from tests.unit.render.applications import config_map, rendered

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="there is no sandbox on this system"
)


@dataclass
class Surroundings:
    """A tree to be confined to, and things around it that must stay out of reach."""

    tree: Path
    home: Path
    facts: dict[str, Any]


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Surroundings]:
    tree, home = tmp_path / "room" / "tree", tmp_path / "room" / "home"
    tree.mkdir(parents=True)
    home.mkdir()
    (tree / "file").write_text("ours")
    neighbour = tmp_path / "room" / "neighbour"
    neighbour.write_text("theirs")
    (tree / "link").symlink_to(neighbour)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as file,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        file.bind(str(tmp_path / "s"))
        file.listen()
        name = f"gitops-gate-test-{os.getpid()}"
        abstract.bind(f"\0{name}")
        abstract.listen()
        facts = {
            "tree": str(tree),
            "home": str(home),
            "neighbour": str(neighbour),
            "port": server.getsockname()[1],
            "socket": str(tmp_path / "s"),
            "abstract": name,
            "parent": os.getpid(),
        }
        yield Surroundings(tree=tree, home=home, facts=facts)


def confined(around: Surroundings, code: str, *arguments: str, **options: Any) -> Completed:
    """Run Python code in the sandbox; Python's own modules are readable as well."""
    python = os.path.realpath(sys.executable)
    confine = sandbox.confinement(
        python,
        readable=(str(around.tree), sys.base_prefix),
        writable=(str(around.home),),
        timeout=20,
    )
    return run(
        [python, "-I", "-S", "-c", code, *arguments],
        timeout=options.pop("timeout", 20),
        environment=options.pop("environment", {}),
        before_exec=confine,
        **options,
    )


def probed(around: Surroundings) -> dict[str, Any]:
    completed = confined(around, PROBE, json.dumps(around.facts))
    assert completed.code == 0, completed.stderr
    outcome: dict[str, Any] = json.loads(completed.stdout)
    return outcome


FOUND = sandbox._mechanisms()
WAYS = {
    "all": FOUND,
    "no namespaces": replace(FOUND, namespaces=0),
    "no filter": replace(FOUND, seccomp=False),
    "no landlock": replace(FOUND, landlock=0),
    "landlock only": replace(FOUND, namespaces=0, seccomp=False),
    "namespaces only": replace(FOUND, landlock=0, seccomp=False),
    "filter only": replace(FOUND, landlock=0, namespaces=0),
    "old landlock": replace(FOUND, landlock=min(FOUND.landlock, 1)),
    "namespaces of root": replace(
        FOUND, namespaces=namespaces.CHOICES[1] if FOUND.namespaces else 0
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_promise_that_is_made_is_kept(
    way: str, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "namespaces of root" and os.geteuid() != 0:
        pytest.skip("only root has namespaces without a user namespace")
    monkeypatch.setattr(sandbox, "_mechanisms", lambda: WAYS[way])
    outcome = probed(around)
    assert {name: outcome[name] for name in ALLOWED} == dict.fromkeys(ALLOWED, True)
    for promise in sandbox_status().available:
        worked = [name for name in PROMISED[promise] if outcome[name] is True]
        assert not worked, (promise, worked)


def test_without_any_mechanism_nothing_is_promised_and_everything_works(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_mechanisms", sandbox._Mechanisms)
    assert sandbox_status().available == ()
    outcome = probed(around)
    failed = {name for names in PROMISED.values() for name in names if outcome[name] is not True}
    assert failed <= {"read the environment of a process"}  # root's power is given up all the same


@pytest.mark.skipif(
    not sandbox_status().complete, reason="this machine lacks a part of the sandbox"
)
def test_with_everything_no_local_service_and_no_process_can_be_found(around: Surroundings) -> None:
    outcome = probed(around)
    if FOUND.seccomp:
        assert outcome["connect to a socket file"] is not True
        assert outcome["change a mode elsewhere"] is not True
        assert outcome["cut a file elsewhere"] is not True
    if FOUND.namespaces & namespaces.CHOICES[0]:
        assert outcome["find a process"] is not True


def test_only_the_given_variables_are_there(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    assert set(probed(around)["environment"]) <= {"LC_CTYPE"}


def test_no_file_of_ours_is_left_open(around: Surroundings) -> None:
    with (around.tree.parent / "neighbour").open() as file:
        os.set_inheritable(file.fileno(), True)
        code = f"import os\ntry:\n os.fstat({file.fileno()})\n print('open')\nexcept OSError: pass"
        assert confined(around, code).stdout == b""


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_programs_own(around: Surroundings, code: int) -> None:
    assert confined(around, f"import sys; sys.exit({code})").code == code


def test_a_program_that_dies_of_a_signal_does_not_succeed(around: Surroundings) -> None:
    code = "import os, resource\nx = bytearray(8 << 30)"
    assert confined(around, code).code != 0


def test_input_and_output_pass_through(around: Surroundings) -> None:
    code = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data[::-1])"
    completed = confined(around, code, stdin=b"x" * 200_000 + b"y")
    assert completed.stdout == b"y" + b"x" * 200_000


def test_nothing_outlives_the_time_limit(around: Surroundings) -> None:
    mark = f"gate-{os.getpid()}-{time.monotonic_ns()}"
    code = "import os, time\nif os.fork() == 0: os.setsid()\ntime.sleep(60)"
    with pytest.raises(ToolError, match="did not finish"):
        confined(around, code, mark, timeout=1)
    assert eventually_gone(mark)


def test_nothing_outlives_a_program_that_ends(around: Surroundings) -> None:
    if not FOUND.namespaces:
        pytest.skip("without a process namespace a child can leave its group")
    mark = f"gate-{os.getpid()}-{time.monotonic_ns()}"
    code = (
        "import os, time\nif os.fork() == 0:\n os.setsid()\n os.closerange(0, 3)\n time.sleep(60)"
    )
    assert confined(around, code, mark).code == 0
    assert eventually_gone(mark)


def eventually_gone(mark: str) -> bool:
    """Whether no process with this word among its arguments is left, within a few seconds."""
    for _ in range(50):
        if not any(mark.encode() in read(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
            return True
        time.sleep(0.1)
    return False


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_mechanism_that_breaks_ends_the_program_before_it_starts(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(sandbox, "_mechanisms", lambda: sandbox._Mechanisms(landlock=1))
    monkeypatch.setattr(landlock, "restrict", broken)
    with pytest.raises(ToolError, match="could not be started"):
        confined(around, "print(1)")


@pytest.mark.skipif(os.geteuid() != 0, reason="is tried as an ordinary user in any case")
def test_an_ordinary_user_gets_the_same_sandbox(around: Surroundings, tmp_path: Path) -> None:
    """Another Python that everybody may run confines `cat`, without being root."""
    python = "/usr/bin/python3"
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    if not Path(python).exists() or subprocess.call([python, "-c", version]):
        pytest.skip("the system's own Python is missing or too old")
    package = tmp_path / "package"
    package.mkdir()
    root = Path(sandbox.__file__).parents[2]
    subprocess.run(["cp", "-r", str(root), str(package)], check=True)
    temporary = Path(tempfile.gettempdir())
    parents = [path for path in tmp_path.parents if temporary in path.parents]
    for path in (*parents, tmp_path, around.tree.parent):
        path.chmod(0o755)
    code = (
        "from gitops_gate.render.sandbox import confinement, sandbox_status\n"
        "from gitops_gate.tools import run\n"
        "import os, sys, json\n"
        "print(json.dumps([os.getuid(), *sandbox_status().mechanisms]))\n"
        "for path in sys.argv[2:]:\n"
        " confine = confinement('/bin/cat', readable=(sys.argv[1],), writable=(), timeout=9)\n"
        " print(run(['/bin/cat', path], timeout=9, environment={}, before_exec=confine).code)\n"
    )
    completed = subprocess.run(
        [
            *(python, "-c", code, str(around.tree)),
            *(str(around.tree / "file"), "/etc/passwd", around.facts["neighbour"]),
        ],
        env={"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        user=65534,
        group=65534,
        extra_groups=[],
        text=True,
    )
    first, *codes = completed.stdout.splitlines()
    assert json.loads(first)[0] == 65534, completed.stderr
    assert codes == ["0", "1", "1"], completed.stderr
    assert len(json.loads(first)) > 1


SCRIPT = """
case "$*" in version*) echo v4.0.0; exit;; esac
try() { if (read -r x < "$2") 2>/dev/null; then echo "  $1: worked"; fi; }
echo "apiVersion: v1"; echo "kind: ConfigMap"; echo "metadata: {name: probe}"; echo "data:"
echo "  arguments: '$*'"
try passwd /etc/passwd
try neighbour "$PWD/../../secret"
try environ /proc/1/environ
try status /proc/self/status
try values ./app/values.yaml
for name in GITHUB_TOKEN AWS_SECRET_ACCESS_KEY SSH_AUTH_SOCK; do
  eval "[ -z \\"\\$$name\\" ]" || echo "  $name: there"
done
echo "  KUBECONFIG: '$KUBECONFIG'"
if (echo x > ./app/new) 2>/dev/null; then echo "  wrote: tree"; fi
if (echo x > "$HOME/new") 2>/dev/null; then echo "  home: written"; fi
"""


ARGUMENTS = "template app ./app --namespace default --include-crds --kube-version 1.36"


def test_a_configured_command_is_confined_and_sees_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sandbox_status().complete:
        pytest.skip("this machine lacks a part of the sandbox")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "secret").write_text("secret\n")
    for name in ("GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "KUBECONFIG"):
        monkeypatch.setenv(name, "secret")
    result = rendered(
        Renderer.HELM,
        {"app/Chart.yaml": "name: app\n", "app/values.yaml": "a: 1\n"},
        settings=RenderSettings(helm_command=f"/bin/sh -c {shlex.quote(SCRIPT)} helm"),
        require_sandbox=True,
    )
    assert result.failure is None
    assert result.sandboxed
    [manifest] = result.manifests
    lines = manifest.text.decode().splitlines()[4:]
    assert lines == [
        f"  arguments: '{ARGUMENTS}'",
        "  values: worked",
        "  KUBECONFIG: '/dev/null'",
        "  home: written",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_machine_without_a_sandbox_is_said_and_can_be_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "_mechanisms", sandbox._Mechanisms)
    command = "/bin/sh -c 'case \"$*\" in version*) echo v5.0.0;; esac' kustomize"
    settings = RenderSettings(kustomize_command=command)
    files = {"app/kustomization.yaml": "{}"}
    plain = rendered(Renderer.KUSTOMIZE, files, settings=settings)
    assert plain.failure is None
    assert not plain.sandboxed
    refused = rendered(Renderer.KUSTOMIZE, files, settings=settings, require_sandbox=True)
    assert refused.failure is not None
    assert refused.failure.code == "render/no-sandbox"
    assert "files, network, processes" in refused.failure.message
    assert rendered(
        Renderer.DIRECTORY, {"app/a.yaml": config_map("a")}, require_sandbox=True
    ).manifests


def test_a_program_killed_from_outside_takes_its_children_along(around: Surroundings) -> None:
    if not FOUND.namespaces:
        pytest.skip("needs a process namespace")
    mark = f"gate-{os.getpid()}-{time.monotonic_ns()}"
    child = os.fork()
    if child == 0:
        try:
            confined(around, "import time; time.sleep(60)", mark)
        finally:
            os._exit(0)
    time.sleep(1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert eventually_gone(mark)


def test_programs_are_found_where_the_system_has_them() -> None:
    assert programs.find("sh") is not None
