"""What gitops-gate costs, beside the tools that a user would pick instead.

    make bench                     everything, about five minutes on two processors
    python benchmarks/run.py NAME  one of: schemas, policies, one-change, start

Every pair of commands is run in turn, A B A B …, on the same files, after one run that is not
counted; what is printed are medians and the ratio of each pair's. Corpora are generated
(`benchmarks/corpus.py`), so that everybody measures the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.corpus import write_manifests, write_repository  # noqa: E402
from tests.engines import engine  # noqa: E402

RESOURCES = 16_000
RUNS = 5
KUBERNETES = "1.36"
GATE = (sys.executable, "-m", "gitops_gate")

Command = Sequence[str]


def seconds(command: Command, environment: dict[str, str]) -> float:
    """Wall time of one run; whatever it prints and decides is thrown away."""
    started = time.perf_counter()
    subprocess.run(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - started


def compare(
    title: str,
    ours: Command,
    others: Sequence[Command],
    *,
    target: float,
    environment: dict[str, str] | None = None,
) -> None:
    """Print how long we take relative to the others together."""
    variables = environment or {}
    seconds(ours, variables)
    for other in others:
        seconds(other, variables)
    mine, theirs, ratios = [], [], []
    for _ in range(RUNS):
        mine.append(seconds(ours, variables))
        theirs.append(sum(seconds(other, variables) for other in others))
        ratios.append(mine[-1] / theirs[-1])
    ratio = statistics.median(ratios)
    verdict = "met" if ratio <= target else "missed"
    print(
        f"{title}\n  gitops-gate {statistics.median(mine):.2f} s · others "
        f"{statistics.median(theirs):.2f} s · ratio {ratio:.3f} "
        f"({min(ratios):.3f}–{max(ratios):.3f}), target {target:g}: {verdict}",
        flush=True,
    )


def required(name: str) -> str:
    """The path of a pinned engine; says how to get it where it is missing."""
    found = engine(name)
    if found is None:
        sys.exit(f"{name} is missing: scripts/engines --benchmarks brings it")
    return found


def configuration(folder: Path, text: str) -> Path:
    """A configuration file for `--config`."""
    path = folder / "configuration.yaml"
    path.write_text(f"version: 1\n{text}\n")
    return path


def write_schemas(folder: Path) -> str:
    """The schemas that the embedded engine uses, as kubeconform wants them; its location."""
    from gitops_gate.checks.schema.builtin import kind_schema
    from gitops_gate.checks.schema.catalogue import load_catalogue

    catalogue = load_catalogue(KUBERNETES)
    folder.mkdir()
    for key in catalogue.kinds:
        group, _, version = key[0].rpartition("/")
        prefix = f"{group.split('.')[0]}-" if group else ""
        name = f"{key[1].lower()}-{prefix}{version}.json"
        (folder / name).write_text(json.dumps(kind_schema(catalogue, key, strict=True)))
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def schemas(folder: Path) -> None:
    """Validate rendered resources against the schemas of Kubernetes, cold, all processors."""
    manifests = folder / "manifests"
    write_manifests(manifests, RESOURCES)
    location = write_schemas(folder / "schemas")
    processors = str(len(os.sched_getaffinity(0)))
    config = configuration(folder, "policies: {builtin: []}")
    compare(
        f"schemas over {RESOURCES:,} resources, against kubeconform",
        [*GATE, "scan", str(manifests), "--config", str(config), "--no-cache", "--format", "json"],
        [[required("kubeconform"), "-strict", "-summary", "-n", processors,
          "-schema-location", location, str(manifests)]],
        target=0.4,
    )  # fmt: skip


def policies(folder: Path) -> None:
    """Schemas and all recommended rules, the report included, against two tools for the two."""
    manifests = folder / "manifests"
    if not manifests.is_dir():
        write_manifests(manifests, RESOURCES)
    location = write_schemas(folder / "schemas-again")
    processors = str(len(os.sched_getaffinity(0)))
    rego = folder / "conftest"
    rego.mkdir()
    (rego / "policy.rego").write_text(conftest_rules())
    compare(
        f"schemas and rules over {RESOURCES:,} resources, against kubeconform and conftest",
        [*GATE, "scan", str(manifests), "--no-cache", "--format", "json"],
        [
            [required("kubeconform"), "-strict", "-summary", "-n", processors,
             "-schema-location", location, str(manifests)],
            [required("conftest"), "test", "--policy", str(rego), "--output", "json",
             str(manifests)],
        ],
        target=0.03,
    )  # fmt: skip


def conftest_rules() -> str:
    """Twenty small rules in conftest's dialect, about what the shipped library asks for."""
    lines = ["package main", "import rego.v1", ""]
    for number in range(20):
        lines += [
            "deny contains message if {",
            '\tinput.kind == "Deployment"',
            "\tsome container in input.spec.template.spec.containers",
            f'\tendswith(container.image, ":forbidden-{number}")',
            f'\tmessage := sprintf("%s uses forbidden-{number}", [container.name])',
            "}",
            "",
        ]
    return "\n".join(lines)


def one_change(folder: Path) -> None:
    """One changed application of many, against one of few: the size must not matter."""
    few, many = folder / "few", folder / "many"
    for place, number in ((few, 20), (many, 2_000)):
        place.mkdir()
        write_repository(place, number)
    kustomize = Path(required("kustomize")).parent
    environment = {
        "PATH": f"{kustomize}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }

    def check(repository: Path) -> list[str]:
        return [*GATE, "check", "--repo", str(repository), "--base", "HEAD~1", "--format", "json"]

    compare(
        "one changed application among 2,000 against one among 20, warm cache",
        check(many),
        [check(few)],
        target=1.3,
        environment=environment,
    )
    cold, warm = [], []
    for _ in range(RUNS):
        shutil.rmtree(folder / "cache")
        cold.append(seconds(check(many), environment))
        warm.append(seconds(check(many), environment))
    more = statistics.median(cold) - statistics.median(warm)
    print(f"  cold cache: {more:.2f} s more, target 1.00: {'met' if more <= 1 else 'missed'}")


def start(_: Path) -> None:
    """`gitops-gate --version` against an interpreter that does nothing."""
    compare(
        "gitops-gate --version against bare Python",
        [*GATE, "--version"],
        [[sys.executable, "-c", "pass"]],
        target=4,
    )


BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "schemas": schemas,
    "policies": policies,
    "one-change": one_change,
    "start": start,
}


def main(names: Sequence[str]) -> None:
    """Run the benchmarks that are named, or all of them."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"no benchmark {unknown[0]}: there are {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory(prefix="gitops-gate-bench-") as folder:
        for name in names or BENCHMARKS:
            place = Path(folder) / ("scan" if name in ("schemas", "policies") else name)
            place.mkdir(exist_ok=True)
            BENCHMARKS[name](place)


if __name__ == "__main__":
    main(sys.argv[1:])
