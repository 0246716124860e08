"""Kubernetes' own kinds are held to what the API server does, not to the letter of OpenAPI.

The verdicts in the tables were checked against a kube-apiserver 1.34.
"""

from __future__ import annotations

from typing import Any

import pytest

from gitops_gate.checks.schema import known_versions
from gitops_gate.checks.schema.catalogue import is_builtin_group, load_catalogue
from gitops_gate.errors import SchemaError
from tests.unit.checks.schema_examples import (
    BUILTIN,
    changed,
    defects,
    only_defect,
    outcome,
    paths,
)

BY_KIND = {manifest["kind"]: manifest for manifest in BUILTIN}
DEPLOYMENT = BY_KIND["Deployment"]
CONTAINER = ("spec", "template", "spec", "containers", 0)


@pytest.mark.slow
def test_every_example_is_valid_in_every_version_that_has_its_kind():
    for version in known_versions():
        catalogue = load_catalogue(version)
        for manifest in BUILTIN:
            if (manifest["apiVersion"], manifest["kind"]) in catalogue.kinds:
                assert defects(manifest, kubernetes=version) == (), version


def test_versions_go_from_1_25_to_1_37():
    assert known_versions()[0] == "1.25"
    assert "1.37" in known_versions()


@pytest.mark.parametrize("spelling", ["1.36", "v1.36", "1.36.2", " 1.36 "])
def test_a_version_may_be_written_in_the_usual_ways(spelling):
    assert load_catalogue(spelling).kubernetes == "1.36"


@pytest.mark.parametrize("version", ["1.20", "2.0", "", "latest", "1.36-rc"])
def test_an_unknown_version_is_an_error_that_lists_the_known(version):
    with pytest.raises(SchemaError, match=r"known are 1\.25, .*1\.36"):
        load_catalogue(version)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ("spec", "replicas"), None),
        ("Deployment", ("metadata", "creationTimestamp"), None),
        ("Deployment", ("metadata", "labels"), {"a": None}),
        ("Deployment", (*CONTAINER, "args"), [None]),
        ("Deployment", (*CONTAINER, "imagePullPolicy"), ""),
        ("Deployment", (*CONTAINER, "resources", "limits", "cpu"), None),
        ("Deployment", (*CONTAINER, "resources", "limits", "cpu"), 0.5),
        ("Deployment", (*CONTAINER, "resources", "limits", "cpu"), " 1e3 "),
        ("Deployment", ("status",), None),
        ("Deployment", ("status",), {"conditions": [{}]}),
        ("ConfigMap", ("data",), {"a": None}),
        ("Secret", ("data", "a"), ""),
        ("Secret", ("data", "a"), "c2Vj\ncmV0"),
        ("Service", ("spec", "type"), ""),
        ("Service", ("spec", "ports", 0, "targetPort"), 8080),
        ("NetworkPolicy", ("spec",), {}),
        ("StatefulSet", ("spec", "serviceName"), ...),
        ("StatefulSet", ("spec", "volumeClaimTemplates", 0, "kind"), "Anything"),
        ("RoleBinding", ("roleRef", "apiGroup"), ...),
        ("PriorityClass", ("value",), ...),
        ("ClusterRole", ("rules",), None),
        ("StorageClass", ("reclaimPolicy",), ""),
    ],
)
def test_the_server_accepts(kind: str, path: tuple[str | int, ...], value: Any):
    assert defects(changed(BY_KIND[kind], path, value), kubernetes="1.25") == ()


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ("spec", "template"), None),
        ("Deployment", ("spec", "selector"), ...),
        ("Deployment", ("spec", "replicas"), 2**31),
        ("Deployment", ("spec", "replicas"), 1.5),
        ("Deployment", ("spec", "template", "spec", "activeDeadlineSeconds"), 2**63),
        ("Deployment", (*CONTAINER, "ports", 0), None),
        ("Deployment", (*CONTAINER, "resources", "limits", "cpu"), "1 Gi"),
        ("Deployment", (*CONTAINER, "resources", "limits", "cpu"), "1GB"),
        ("Deployment", (*CONTAINER, "imagePullPolicy"), "always"),
        ("Deployment", ("metadata", "labels", "a"), 1),
        ("Deployment", ("metadata", "unheardOf"), 1),
        ("Deployment", ("metadata", "creationTimestamp"), "yesterday"),
        ("Deployment", ("status",), {"conditions": 5}),
        ("Deployment", ("status",), {"unheardOf": 5}),
        ("Secret", ("data", "a"), "not base64"),
        ("Service", ("spec", "ports", 0, "targetPort"), 1.5),
        ("Service", ("spec", "ports", 0, "port"), None),
        ("PersistentVolumeClaim", ("spec", "accessModes"), [None]),
    ],
)
def test_the_server_refuses(kind: str, path: tuple[str | int, ...], value: Any):
    assert len(defects(changed(BY_KIND[kind], path, value))) == 1


def test_a_missing_or_null_required_field_is_the_same_defect_of_the_same_field():
    missing = only_defect(changed(DEPLOYMENT, ("spec", "selector"), ...))
    null = only_defect(changed(DEPLOYMENT, ("spec", "selector"), None))
    assert missing.field == null.field == ("spec", "selector")
    assert missing.message == "spec.selector is missing; apps/v1 Deployment requires it."
    assert "null counts as absent" in null.message


def test_unknown_fields_are_found_only_when_strict():
    unknown = changed(DEPLOYMENT, ("spec", "unheardOf"), 1)
    assert len(defects(unknown)) == 1
    assert defects(unknown, strict=False) == ()


def test_types_are_checked_when_not_strict():
    assert len(defects(changed(DEPLOYMENT, ("spec", "replicas"), "two"), strict=False)) == 1


def test_every_mapping_of_every_example_refuses_an_unknown_field_or_takes_any():
    """No level is left open by accident: either a defect at the field, or a map of strings."""
    for manifest in BUILTIN:
        for path in paths(manifest):
            node: Any = manifest
            for part in path:
                node = node[part]
            if not isinstance(node, dict):
                continue
            found = defects(changed(manifest, (*path, "unheardOf"), {"x": 1}))
            assert [defect.field[:-1] for defect in found] == [path], path


def test_a_value_that_sops_encrypted_meets_every_restriction():
    encrypted = "ENC[AES256_GCM,data:p673w==,type:str]"
    assert defects(changed(BY_KIND["Secret"], ("data", "a"), encrypted)) == ()
    assert defects(changed(DEPLOYMENT, ("spec", "replicas"), encrypted)) == ()


def test_an_encrypted_text_does_not_stand_for_a_mapping():
    encrypted = "ENC[AES256_GCM,data:p673w==,type:str]"
    assert len(defects(changed(DEPLOYMENT, ("spec", "template"), encrypted))) == 1


class TestKindsThatDoNotExist:
    def message(self, api_version: str, kind: str, **options: Any) -> str:
        return only_defect({"apiVersion": api_version, "kind": kind}, **options).message

    def test_a_version_that_was_removed_names_the_one_that_took_over(self):
        defect = only_defect({"apiVersion": "extensions/v1beta1", "kind": "Ingress"})
        assert defect.message == (
            "extensions/v1beta1 Ingress does not exist in Kubernetes 1.36; "
            "networking.k8s.io/v1 Ingress does."
        )
        assert (defect.field, defect.suggestion) == (("apiVersion",), "networking.k8s.io/v1")

    def test_the_newest_stable_version_is_suggested(self):
        value = {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler"}
        assert only_defect(value).suggestion == "autoscaling/v2"

    def test_it_depends_on_the_version_of_kubernetes(self):
        value = {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy"}
        assert "does not exist in Kubernetes 1.25" in self.message(**_named(value, "1.25"))

    def test_a_kind_in_the_wrong_case_is_corrected(self):
        defect = only_defect({"apiVersion": "apps/v1", "kind": "deployment"})
        assert defect.message.endswith('Did you mean "Deployment"?')
        assert (defect.field, defect.suggestion) == (("kind",), "Deployment")

    def test_an_empty_api_version_names_the_right_one(self):
        assert self.message("", "Deployment") == (
            "apiVersion is missing or empty; Deployment is in apps/v1."
        )

    def test_a_kind_that_nothing_resembles(self):
        assert self.message("v1", "Zzz") == "v1 Zzz does not exist in Kubernetes 1.36."

    def test_parts_of_a_kind_and_machinery_are_no_kinds(self):
        assert "does not exist" in self.message("v1", "Affinity")
        assert "does not exist" in self.message("v1", "DeleteOptions")

    def test_an_empty_kind(self):
        assert self.message("v1", "") == "kind is missing or empty."

    @pytest.mark.parametrize(
        "api_version",
        ["example.com/v1", "gateway.networking.k8s.io/v1", "snapshot.storage.k8s.io/v1"],
    )
    def test_other_groups_are_unknown_and_no_defect(self, api_version):
        found = outcome({"apiVersion": api_version, "kind": "Deployment"})
        assert (found.known, found.defects) == (False, ())

    def test_groups_of_kubernetes(self):
        assert all(map(is_builtin_group, ["v1", "apps/v1", "networking.k8s.io/v1beta1"]))
        assert not is_builtin_group("cert-manager.io/v1")


def _named(value: dict[str, str], kubernetes: str) -> dict[str, str]:
    return {
        "api_version": value["apiVersion"],
        "kind": value["kind"],
        "kubernetes": kubernetes,
    }
