"""Content made to harm: answered by an error or a finding, in little time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Gate
from tests.e2e.repositories import (
    QUIET,
    Files,
    Link,
    chart,
    config_map,
    deployment,
    kustomization,
    manifest,
    repository,
    rule,
)
from tests.engines import ROOT

CONFIGURATION = ".gitops-gate.yaml"
SECONDS = 10
MEGABYTES = 512

_MEASURED = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[2:], capture_output=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open(sys.argv[1], "w") as file:
    json.dump({"code": done.returncode, "kilobytes": peak}, file)
sys.stdout.buffer.write(done.stdout)
sys.stderr.buffer.write(done.stderr)
"""


@dataclass(frozen=True)
class Measured:
    """What one run in a process of its own did and took."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., Measured]:
    """Run the command in its own process; it must end well within the limits."""

    def run(*arguments: object) -> Measured:
        numbers = tmp_path / "numbers.json"
        started = time.monotonic()
        done = subprocess.run(
            [
                *(sys.executable, "-c", _MEASURED, str(numbers), sys.executable, "-m"),
                *("gitops_gate", *map(str, arguments)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
        seconds = time.monotonic() - started
        taken = json.loads(numbers.read_text("utf-8"))
        made = Measured(
            code=taken["code"],
            out=done.stdout,
            err=done.stderr,
            seconds=seconds,
            megabytes=taken["kilobytes"] / 1024,
        )
        assert made.seconds < SECONDS, made.seconds
        assert made.megabytes < MEGABYTES, made.megabytes
        assert "Traceback" not in made.out + made.err
        return made

    return run


Measure = Callable[..., Measured]

_LEVELS = "\n".join(
    f"{a}: &{a} [{', '.join([f'*{b}'] * 9)}]" for a, b in zip("bcdefgh", "abcdefg", strict=True)
)
ALIAS_BOMB = (
    'a: &a ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]\n' + _LEVELS + "\n"
).encode()
HEADER = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n"

INVALID: dict[str, bytes] = {
    "alias-bomb": HEADER + b"data:\n  " + ALIAS_BOMB.replace(b"\n", b"\n  ").rstrip() + b"\n",
    "bare-alias-bomb": ALIAS_BOMB + HEADER,
    "deep-list": HEADER + b"data: " + b"[" * 100_000 + b"]" * 100_000 + b"\n",
    "deep-open": HEADER + b"data: " + b"[" * 100_000,
    "deep-map": HEADER + b"data: " + b"{a: " * 100_000 + b"}" * 100_000,
    "deep-block": HEADER + b"data:\n  " + b"- " * 100_000 + b"x\n",
    "deep-question": HEADER + b"data:\n  " + b"? " * 50_000 + b"x\n",
    "recursive-alias": HEADER + b"data: &a\n  b: *a\n",
    "duplicate": HEADER + b"kind: Secret\n",
    "merge-bomb": HEADER + b"data:\n  <<: [*x]\n",
    "control": HEADER + b"data:\n  a: \x01\x02\n",
    "not-utf8": HEADER + b"data:\n  a: \xff\xfe\n",
    "tag": HEADER + b"data: !!python/object/apply:os.system ['touch /tmp/x']\n",
    "infinity": HEADER + b"data: {a: .inf}\n",
}


COSTLY = [name for name in INVALID if "bomb" in name or "deep" in name]


@pytest.mark.parametrize("name", COSTLY)
def test_a_document_made_to_exhaust_is_refused_cheaply(
    tmp_path: Path, measured: Measure, name: str
) -> None:
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "apps/x.yaml": config_map("x")},
        {"apps/y.yaml": INVALID[name]},
    )
    run = measured("check", "--repo", made.folder, "--base", "main", "--no-cache")
    assert run.code in (1, 2), run.out + run.err
    assert "apps/y.yaml" in run.out + run.err


@pytest.mark.parametrize("name", INVALID)
def test_a_document_that_nobody_should_read_is_never_allowed(
    tmp_path: Path, command: Gate, name: str
) -> None:
    file = tmp_path / "y.yaml"
    file.write_bytes(INVALID[name])
    for path in (file, tmp_path):
        run = command("scan", path, "--no-cache")
        assert run.code in (1, 2), run.out
        assert "Traceback" not in run.out + run.err


def test_a_number_too_large_for_a_float_is_a_text(tmp_path: Path, measured: Measure) -> None:
    content = HEADER + b"data: {a: " + b"9" * 100_000 + b"}\n"
    made = repository(tmp_path / "r", {CONFIGURATION: QUIET, "apps/y.yaml": content})
    assert measured("scan", made.folder, "--no-cache").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["blank", "text", "documents", "keys", "one-line"])
def test_fifty_megabytes_are_refused_or_read_in_time(
    tmp_path: Path, measured: Measure, kind: str
) -> None:
    size = 50_000_000
    content = {
        "blank": HEADER + b"data: {a: b}\n" + b" \n" * (size // 2),
        "text": HEADER + b"data:\n  a: |\n" + b"    some text\n" * (size // 14),
        "documents": (HEADER + b"---\n") * (size // 52),
        "keys": HEADER + b"data:\n" + b"".join(b"  k%d: v\n" % n for n in range(size // 12)),
        "one-line": HEADER + b"data: {a: '" + b"x" * size + b"'}\n",
    }[kind]
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "apps/x.yaml": config_map("x")},
        {"apps/y.yaml": content},
    )
    run = measured("check", "--repo", made.folder, "--base", "main", "--no-cache")
    assert run.code in (1, 2), run.out[:2000]
    assert "apps/y.yaml" in run.out + run.err


@pytest.mark.parametrize("where", ["apps/x.yaml", "shop/kustomization.yaml", "charts/s/Chart.yaml"])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd", "x.yaml"])
def test_a_link_is_followed_nowhere_outside(
    tmp_path: Path, measured: Measure, where: str, target: str
) -> None:
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "other/x.yaml": config_map("x"), where: config_map("y")}
        if where.startswith("apps")
        else {CONFIGURATION: QUIET, "other/x.yaml": config_map("x")},
        {where: Link(target)},
    )
    run = measured("check", "--repo", made.folder, "--base", "main", "--no-cache")
    assert "root:" not in run.out + run.err
    if where.startswith("apps"):
        assert run.code == 2, run.out


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.com/x?ref=--upload-pack=touch%20owned",
        "https://example.com/x?ref=--upload-pack=touch owned",
        "git::ssh://-oProxyCommand=touch owned/x",
        "ext::sh -c touch% owned",
        "file:///etc/passwd",
        "/etc/passwd",
        "../../../../etc",
        "https://example.com/x.yaml",
        "github.com/example/x//base?ref=main",
        "git@example.com:x/y.git",
        "--help",
        "-",
    ],
)
@pytest.mark.parametrize("field", ["resources", "components", "bases"])
def test_a_reference_that_reaches_outside_fails_before_any_process(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, reference: str, field: str
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "kustomize").write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
    (bin_folder / "kustomize").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "shop/kustomization.yaml": kustomization()},
        {"shop/kustomization.yaml": json.dumps({field: [reference]})},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert run.application("shop")["status"] == "failed"
    assert not (tmp_path / "owned").exists() or not reference.startswith(("http", "git", "ext"))
    assert "root:" not in run.out


ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\x1b[2J\u202egnp\u200b\r\x9b31m"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:x)`` | ## @everyone\n"


def _loud(text: str) -> Files:
    """Names, values, messages, paths and comments that hold the text."""
    body = f'deny contains sprintf("%s %s", [{json.dumps(text)}, input.object.metadata.name])'
    return {
        "policies/loud.rego": rule("loud", body),
        "apps/x.yaml": config_map(text, a=text),
        f"apps/{text.replace('/', '_').strip()[:60]}/y.yaml": manifest(
            text, text, text, text, spec={text: text}
        ),
        "web/web.yaml": deployment(text, replicas=text),
        "shop/kustomization.yaml": kustomization(text),
        "bad/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n" + json.dumps(text),
    }


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
@pytest.mark.parametrize("text", [ESCAPES, MARKUP], ids=["escapes", "markup"])
def test_text_from_the_repository_is_only_ever_text(
    tmp_path: Path, command: Gate, text: str, form: str
) -> None:
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "policies/loud.rego": _loud(text)["policies/loud.rego"]},
        _loud(text),
    )
    for options in ((), ("--all", "--diff", "--verbose")):
        run = command("check", "--repo", made.folder, "--base", "main", "--format", form, *options)
        assert run.code == 2, run.err
        assert "Traceback" not in run.out + run.err
        for character in "\x1b\x07\x9b\u202e\u200b\r":
            if form == "json":
                continue
            assert character not in run.out + run.err, (repr(character), form)
        if form == "html":
            assert "<script>alert" not in run.out
            assert "<img src=x" not in run.out
            assert 'href="javascript:' not in run.out
        if form == "markdown":
            outside = _outside_code(run.out)
            assert "<script>" not in outside
            assert "<img src" not in outside
            assert "[a](javascript" not in outside
            assert "@everyone" not in outside
        if form == "json":
            json.loads(run.out)
            assert "\x1b" not in run.out


def _outside_code(markdown: str) -> str:
    """Markdown without its fenced blocks and code spans."""
    kept, fence = [], ""
    for line in markdown.splitlines():
        bare = line.lstrip(" >")
        ticks = len(bare) - len(bare.lstrip("`"))
        if fence:
            if ticks >= len(fence) and not bare.strip("`").strip():
                fence = ""
            continue
        if ticks >= 3:
            fence = "`" * ticks
            continue
        kept.append(_without_spans(line))
    return "\n".join(kept)


def _without_spans(line: str) -> str:
    kept, rest = "", line
    while "`" in rest:
        before, _, after = rest.partition("`")
        ticks = 1 + len(after) - len(after.lstrip("`"))
        body = after.lstrip("`")
        mark = "`" * ticks
        end = body.find(mark)
        while end >= 0 and body[end + ticks : end + ticks + 1] == "`":
            end = body.find(mark, end + ticks + 1)
        if end < 0:
            return kept + rest
        kept, rest = kept + before, body[end + ticks :]
    return kept + rest


def test_names_that_nobody_planned_for_survive(tmp_path: Path, gate: Gate) -> None:
    names = ["a b", "-rf", "--help", "new\nline", "qu\"ote'", "ünï", "%s%n", "$(x)", "a:b", "*"]
    base: Files = {CONFIGURATION: QUIET}
    head: Files = {f"{name}/{name}.yaml": config_map(f"n{n}") for n, name in enumerate(names)}
    made = repository(tmp_path / "r", {**base, "apps/x.yaml": config_map()}, head)
    made.write(b"raw\xff\xfe/x\xff.yaml", config_map("raw"))
    made.commit("more")
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 0, run.out
    assert len(run.changes) == len(names) + 1
    assert {"-rf", "a b", "ünï", "$(x)"} <= set(run.affected)


@pytest.mark.parametrize(
    "configuration",
    [
        b"a: &a [" + b"x," * 10 + b"]\n" + ALIAS_BOMB,
        b"version: " + b"[" * 100_000,
        b"version: 1\ndiscovery: {include: ['" + b"**/" * 30 + b"x']}\n",
        b"version: 1\ndiscovery: {include: ['" + b"*a" * 50 + b"b']}\n",
        b"version: 1\nenvironments: {prod: {match: ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}']}}\n",
        b"\xff\xfe",
        b"- 1\n",
        b"version: 1\n" * 2,
    ],
)
def test_a_hostile_configuration_is_an_error_or_harmless(
    tmp_path: Path, measured: Measure, configuration: bytes
) -> None:
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: configuration, "a" * 100 + "/x.yaml": config_map()},
        {"a" * 100 + "/x.yaml": config_map(a="1")},
    )
    run = measured("check", "--repo", made.folder, "--base", "main", "--no-cache")
    assert run.code in (0, 2)


@pytest.mark.engine
@pytest.mark.parametrize(
    "template",
    [
        '{{- range until 100000000 }}{{ printf "%d" . }}{{ end }}',
        '{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}',
        '{{ repeat 1000000000 "x" }}',
        '{{ (lookup "v1" "Secret" "" "").items }}',
        '{{ .Files.Get "/etc/passwd" }}{{ .Files.Get "../../../../etc/passwd" }}',
        '{{ getHostByName "example.com" }}',
    ],
    ids=["long", "recursive", "repeat", "lookup", "files", "dns"],
)
def test_a_hostile_chart_harms_nobody(
    tmp_path: Path, gate: Gate, path_with_engines: str, template: str
) -> None:
    made = repository(
        tmp_path / "r",
        {
            CONFIGURATION: QUIET + "render: {timeout: 3s}\n",
            "charts/shop/Chart.yaml": chart(),
            "charts/shop/templates/x.yaml": config_map("x"),
        },
        {"charts/shop/templates/y.yaml": config_map("y") + f"  #\n# {template}\n"},
    )
    started = time.monotonic()
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert time.monotonic() - started < SECONDS + 5
    assert "root:" not in run.out + run.err + json.dumps(run.report)
