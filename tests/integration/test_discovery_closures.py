"""Closures are proven by the engines: what they leave out makes no difference to a build.

Each application of a repository is built twice, once in the whole tree and once in a folder that
holds the files of its closure and nothing else. And for each of many changes, every application
whose build differs must be among the affected ones.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import Application, Renderer, affected, discover, discover_pair
from gitops_gate.source import Entry, MemoryBlobs, Mode, Tree, blob_id, materialise

Files = dict[str, str]
Build = Callable[[str, Application], tuple[int, bytes]]

LINK = "-> "
"""Starts the content of what is a symbolic link in these repositories."""

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def tree_of(files: Files) -> Tree:
    entries, contents = {}, {}
    for path, text in files.items():
        raw = text.removeprefix(LINK).encode()
        entries[path] = Entry(Mode.LINK if text.startswith(LINK) else Mode.FILE, blob_id(raw))
        contents[blob_id(raw)] = raw
    return Tree(entries=entries, blobs=MemoryBlobs(contents=contents))


@pytest.fixture(scope="module")
def build(require_engine) -> Build:
    programs = {
        Renderer.KUSTOMIZE: [require_engine("kustomize"), "build"],
        Renderer.HELM: [require_engine("helm"), "template", "x"],
    }

    def run(root: str, application: Application) -> tuple[int, bytes]:
        folder = str(Path(root, application.path))
        values = application.helm.values if application.helm else ()
        more = [f"--values={Path(root, value)}" for value in values]
        done = subprocess.run(
            [*programs[application.renderer], folder, *more],
            capture_output=True,
            timeout=60,
            check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": root},
        )
        return done.returncode, done.stdout

    return run


def written(tree: Tree, folder: Path) -> str:
    folder.mkdir()
    materialise(tree, str(folder))
    return str(folder)


def config_map(name: str, value: str = "1") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: '{value}'\n"


def patch(name: str) -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{patched: 'yes'}}\n"
    )


def everything() -> Files:
    """A repository in which every kind of reference is used somewhere."""
    return {
        "base/kustomization.yaml": "resources: [web.yaml, ../linked]\n",
        "base/web.yaml": config_map("web"),
        "linked": LINK + "real/deep",
        "real/deep/Kustomization": "resources: [x.yaml, y.yaml]\n",
        "real/deep/x.yaml": config_map("linked"),
        "real/deep/y.yaml": LINK + "z.yaml",
        "real/deep/z.yaml": config_map("linked-file"),
        "tls/kustomization.yml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "patches: [{path: p.yaml}]\nconfigMapGenerator: [{name: tls, files: [a=tls.txt]}]\n"
        ),
        "tls/p.yaml": patch("web"),
        "tls/tls.txt": "secret",
        "apps/patches/kustomization.yaml": (
            "bases: [../../base]\npatches: [{path: p.yaml}]\n"
            "patchesStrategicMerge:\n- s.yaml\n- |-\n  " + patch("web").replace("\n", "\n  ") + "\n"
            "patchesJson6902:\n- target: {version: v1, kind: ConfigMap, name: web}\n"
            "  path: j.json\n"
        ),
        "apps/patches/p.yaml": patch("web"),
        "apps/patches/s.yaml": patch("linked"),
        "apps/patches/j.json": '[{"op": "add", "path": "/data/json", "value": "1"}]',
        "apps/generated/kustomization.yaml": (
            "resources: [../../base]\ncomponents: [../../tls]\n"
            "configMapGenerator:\n- name: a\n  files: [data.txt, other=sub/data.txt]\n"
            "  envs: [a.env]\n  env: b.env\n"
            "secretGenerator:\n- name: s\n  files: [data.txt]\n"
        ),
        "apps/generated/data.txt": "data",
        "apps/generated/sub/data.txt": "more",
        "apps/generated/a.env": "A=1\n",
        "apps/generated/b.env": "B=1\n",
        "apps/plugins/kustomization.yaml": (
            "resources: [../../base]\ngenerators: [g.yaml]\n"
            "transformers:\n- t.yaml\n- ../../plugins\n- |-\n"
            "  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: i}\n"
            "  target: {kind: ConfigMap, name: web}\n  path: inline.yaml\n"
        ),
        "apps/plugins/g.yaml": (
            "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nfiles: [g.txt]\n"
        ),
        "apps/plugins/g.txt": "g",
        "apps/plugins/t.yaml": (
            "apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: t}\n"
            "paths: [t/web.yaml]\n"
        ),
        "apps/plugins/t/web.yaml": patch("web"),
        "apps/plugins/inline.yaml": patch("web"),
        "apps/plugins/shared.yaml": '[{"op": "add", "path": "/data/shared", "value": "1"}]',
        "plugins/kustomization.yaml": "resources: [p.yaml]\n",
        "plugins/p.yaml": (
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\n"
            "target: {kind: ConfigMap, name: web}\npath: shared.yaml\n"
        ),
        "apps/other/kustomization.yaml": (
            "resources: [../../base]\nnamePrefix: x-\nconfigurations: [c.yaml]\n"
            "crds: [crd.json]\nreplacements: [{path: r.yaml}]\nopenapi: {path: schema.json}\n"
        ),
        "apps/other/c.yaml": "namePrefix: [{path: metadata/annotations/x}]\n",
        "apps/other/crd.json": "{}",
        "apps/other/r.yaml": (
            "source: {kind: ConfigMap, name: web, fieldPath: data.key}\n"
            "targets: [{select: {kind: ConfigMap, name: linked}, fieldPaths: [data.key]}]\n"
        ),
        "apps/other/schema.json": '{"definitions": {}}',
        "apps/Odd *[x] name/kustomization.yaml": "Resources: ['w eb.yaml', ../../real/deep/]\n",
        "apps/Odd *[x] name/w eb.yaml": config_map("odd"),
        "apps/broken/kustomization.yaml": "resources: [../../base, ../nowhere, gone.yaml]\n",
        "apps/loop/kustomization.yaml": "resources: [.]\n",
        "charts/shop/Chart.yaml": (
            "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n"
            "- {name: db, version: 1.0.0, repository: 'https://charts.example.com'}\n"
        ),
        "charts/shop/values.yaml": "name: shop\n",
        "charts/shop/values-prod.yaml": "name: prod\n",
        "charts/shop/.helmignore": "ignored.txt\n",
        "charts/shop/ignored.txt": "x",
        "charts/shop/files/data.txt": LINK + "../../../base/web.yaml",
        "charts/shop/more": LINK + "../../real",
        "charts/shop/templates/_names.tpl": '{{ define "n" }}{{ .Values.name }}{{ end }}',
        "charts/shop/templates/web.yaml": (
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ include "n" . }}}\n'
            'data:\n  a: {{ .Files.Get "files/data.txt" | quote }}\n'
            '  b: {{ .Files.Get "more/deep/x.yaml" | quote }}\n'
        ),
        "charts/shop/crds/x.yaml": config_map("crd"),
        "charts/shop/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
        "charts/shop/charts/db/templates/db.yaml": config_map("db"),
    }


def test_each_application_builds_the_same_from_its_closure_alone(build: Build, tmp_path: Path):
    tree = tree_of(everything())
    discovery = discover(tree, Settings())
    whole = written(tree, tmp_path / "whole")
    failed = []
    for number, application in enumerate(discovery.applications.values()):
        alone = written(
            tree.subset(discovery.closures[application.name].files), tmp_path / str(number)
        )
        code, output = build(whole, application)
        assert build(alone, application) == (code, output), application.name
        if code:
            failed.append(application.name)
    assert failed == ["apps/broken", "apps/loop"]
    assert len(discovery.applications) == 9


def mutations(files: Files) -> Iterator[Files]:
    """Changes of one file each: altered, removed, or appearing where it was missing."""
    for path, text in files.items():
        if not text.startswith(LINK):
            yield files | {path: altered(path, text)}
        yield {other: content for other, content in files.items() if other != path}
    yield files | {"apps/nowhere/kustomization.yml": "resources: [../../real/deep]\n"}
    yield files | {"apps/broken/gone.yaml": config_map("gone")}
    yield files | {"linked": LINK + "apps/Odd *[x] name"}
    yield files | {"base/Kustomization": "resources: []\n"}
    yield files | {"charts/shop/templates/new.yaml": config_map("new")}
    yield files | {"real/new.txt": "new"}


def altered(path: str, text: str) -> str:
    """The same file with another value in it, so that what reads it comes out differently."""
    if path.endswith((".json", ".env", ".txt", ".tpl", ".helmignore")):
        return text.replace("1", "2").replace("data", "DATA") + ("" if path.endswith("n") else "Z")
    if "Chart" in path or path.lower().endswith(("kustomization.yaml", "kustomization")):
        return text + "# changed\n" if "Chart" in path else text + "nameSuffix: -changed\n"
    return text.replace("key: '1'", "key: '2'").replace("yes", "no").replace("shop", "store")


def test_every_build_that_differs_is_of_an_affected_application(build: Build, tmp_path: Path):
    files = everything()
    base = tree_of(files)
    whole = written(base, tmp_path / "base")
    before: dict[Application, tuple[int, bytes]] = {}
    differed = 0
    for number, changed in enumerate(random.Random(7).sample(list(mutations(files)), 40)):
        head = tree_of(changed)
        one, other = discover_pair(base, head, Settings())
        names = affected(one, other, base, head).applications
        root = written(head, tmp_path / f"head{number}")
        for application in other.applications.values():
            if application.renderer is Renderer.DIRECTORY or application.name in names:
                differed += application.name in names
                continue
            if application not in before:
                before[application] = build(whole, application)
            assert build(root, application) == before[application], (
                application.name,
                set(files.items()) ^ set(changed.items()),
            )
    assert differed > 40
