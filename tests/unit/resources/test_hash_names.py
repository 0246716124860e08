from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gitops_gate.documents import load_yaml, split_stream
from gitops_gate.resources.hash_names import base_name, plain_names
from gitops_gate.tools import clean_environment, run
from tests.unit.resources.made import from_value, from_yaml

GENERATED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: pre-a-suf-kbb6c46d95, namespace: x}
data: {k: "v<&>", "n": "1", u: é}
"""


def test_a_name_whose_hash_fits_the_content_loses_it():
    assert base_name(from_yaml(GENERATED)) == "pre-a-suf"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k: ", "other: "),
        ("kbb6c46d95", "kbb6c46d9"),
        ("kbb6c46d95", "kbb6c46d94"),
        ("-kbb6c46d95", "kbb6c46d95"),
        ("pre-a-suf-", "-"),
        ("kind: ConfigMap", "kind: Deployment"),
        ("apiVersion: v1", "apiVersion: example.com/v1"),
    ],
)
def test_a_name_that_only_looks_generated_stays(old, new):
    resource = from_yaml(GENERATED.replace(old, new))
    assert base_name(resource) == resource.reference.name


def test_generated_names_are_listed_with_their_stem():
    other = from_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: web-24bfdgmthk}}")
    assert plain_names([from_yaml(GENERATED), other]) == {"pre-a-suf-kbb6c46d95": "pre-a-suf"}


def test_text_that_is_no_unicode_is_survived():
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a-2222222222"}}
    assert base_name(from_value({**value, "data": {"a": "\udcff"}})) == "a-2222222222"


KUSTOMIZATION = """
namePrefix: pre-
namespace: shop
configMapGenerator:
- {name: empty}
- name: plain
  literals: ["a=b", "html=<a href=\\"x&y\\">", "sep=\u2028", "tab=\ta", "k\u00e9y=\u00e9"]
- {name: file, files: [settings.ini, blob.bin]}
- {name: numbers, literals: ["a=1", "b=true", "c=null", "d=1e3"]}
secretGenerator:
- {name: opaque, literals: ["password=hunter2"]}
- {name: typed, type: kubernetes.io/basic-auth, literals: ["username=u", "password=p"]}
- {name: binary, files: [blob.bin]}
"""


@pytest.mark.engine
def test_kustomize_generates_the_same_hashes(require_engine, tmp_path: Path):
    (tmp_path / "kustomization.yaml").write_text(KUSTOMIZATION, "utf-8")
    (tmp_path / "settings.ini").write_text("[a]\nb = 1\n\n  trailing \n", "utf-8")
    (tmp_path / "blob.bin").write_bytes(b"\x00\xff\xfe")
    command = [require_engine("kustomize"), "build", str(tmp_path)]
    built = run(command, timeout=60, environment=clean_environment()).stdout
    resources = [from_value(value) for value in load_yaml(built) if isinstance(value, dict)]
    assert len(split_stream(built)) == 7
    assert {base_name(resource) for resource in resources} == {
        f"pre-{name}" for name in ("empty", "plain", "file", "numbers", "opaque", "typed", "binary")
    }
    secret = next(r for r in resources if base_name(r) == "pre-opaque")
    assert base64.b64decode(secret.value["data"]["password"]) == b"hunter2"
