"""CustomResourceDefinitions and schema files of a repository are schemas, read as a server would.

The verdicts in the tables were checked against a kube-apiserver 1.34.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.checks.interface import SchemaOutcome
from gitops_gate.checks.schema import CrdDocument, build_validator, unusable_crds
from gitops_gate.checks.schema.structural import MAXIMUM_DEPTH
from gitops_gate.config.settings import SchemaSettings
from tests.unit.checks.schema_examples import (
    RICH_SCHEMA,
    RICH_WIDGET,
    Manifest,
    changed,
    crd,
    crd_value,
    defects,
    of_spec,
    only_defect,
    outcome,
    resource,
    widget,
)

STRING = {"type": "string"}
OBJECT = {"type": "object"}
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

PROBE: Manifest = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["req", "reqdef"],
            "properties": {
                "req": STRING,
                "reqdef": {"type": "string", "default": "x"},
                "n": {"type": "integer"},
                "n32": {"type": "integer", "format": "int32"},
                "num": {"type": "number"},
                "nullable": {"type": "string", "nullable": True},
                "nullenum": {"type": "string", "nullable": True, "enum": ["a"]},
                "enum": {"type": "string", "enum": ["a", "b"]},
                "list": {"type": "array", "items": STRING},
                "defaults": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["a"],
                        "properties": {"a": {"type": "string", "default": "q"}},
                    },
                },
                "set": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
                "empty": OBJECT,
                "map": {"type": "object", "additionalProperties": STRING},
                "open": {
                    **OPEN,
                    "properties": {"in": {"type": "object", "properties": {"k": STRING}}},
                },
                "openlist": {
                    "type": "array",
                    "x-kubernetes-preserve-unknown-fields": True,
                    "items": {"type": "object", "properties": {"k": STRING}},
                },
                "embedded": {**OPEN, "x-kubernetes-embedded-resource": True},
                "closed": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"spec": {"type": "object", "properties": {"a": STRING}}},
                },
                "choice": {
                    "type": "object",
                    "properties": {"a": STRING, "b": STRING},
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
                "choicedef": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "default": "z"}, "b": STRING},
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
                "port": {
                    "x-kubernetes-int-or-string": True,
                    "anyOf": [{"type": "integer"}, {"type": "string"}],
                    "pattern": "^[0-9]+%$",
                },
                "any": {"x-kubernetes-preserve-unknown-fields": True},
                "exclusive": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                **{
                    name: {"type": "string", "format": name}
                    for name in ("date-time", "date", "duration", "uri", "ipv4", "uuid", "mac")
                },
            },
        },
        "status": {
            "type": "object",
            "required": ["phase"],
            "properties": {"phase": STRING},
        },
    },
}

EMBEDDED = {"apiVersion": "v1", "kind": "X"}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"reqdef": None},
        {"n": 2**63 - 1},
        {"n": 1.0},
        {"n": None},
        {"n32": 2**31},
        {"num": 5},
        {"nullable": None},
        {"enum": None},
        {"list": None},
        {"defaults": [{}]},
        {"defaults": [{"a": None}]},
        {"set": ["a", "b"]},
        {"empty": {}},
        {"map": {"a": None}},
        {"open": {"z": {"q": 1}}},
        {"openlist": [{"k": "x", "z": 1}]},
        {"embedded": EMBEDDED},
        {"closed": {**EMBEDDED, "spec": {"a": "x"}}},
        {"choice": {"a": None, "b": "x"}},
        {"choicedef": {}},
        {"port": 5},
        {"port": 2**40},
        {"port": "5%"},
        {"port": None},
        {"any": None},
        {"any": [1]},
        {"exclusive": 0.1},
        {"date-time": "2020-01-01t00:00:00z"},
        {"date-time": "2020-01-01T00:00:00.5+01:00"},
        {"date": "2020-01-01"},
        {"duration": "1h30m"},
        {"duration": "0"},
        {"duration": "1 day"},
        {"duration": "PT5M"},
        {"uri": "/a"},
        {"uri": "mailto:a@b"},
        {"ipv4": "01.2.3.4"},
        {"uuid": "123e4567e89b12d3a456426614174000"},
        {"mac": "02:00:5e:10:00:00:00:01"},
    ],
)
def test_the_server_accepts(spec: Manifest):
    assert defects(widget({"req": "x", **spec}), crds=[crd(PROBE)]) == ()


@pytest.mark.parametrize(
    "spec",
    [
        {"req": None},
        {"n": 2**63},
        {"n": 1.5},
        {"n": "1"},
        {"nullenum": None},
        {"nullenum": "b"},
        {"enum": ""},
        {"list": [None]},
        {"defaults": [None]},
        {"set": ["a", "a"]},
        {"empty": {"a": 1}},
        {"map": {"a": 1}},
        {"open": {"in": {"z": 1}}},
        {"embedded": {"apiVersion": "v1"}},
        {"embedded": {**EMBEDDED, "kind": ""}},
        {"embedded": {**EMBEDDED, "metadata": {"unheardOf": 1}}},
        {"embedded": {**EMBEDDED, "metadata": {"labels": {"a": 1}}}},
        {"closed": {**EMBEDDED, "z": 1}},
        {"choice": {}},
        {"choice": {"a": None}},
        {"choice": {"a": "x", "b": "y"}},
        {"choicedef": {"b": "x"}},
        {"port": 1.5},
        {"port": "x"},
        {"port": True},
        {"exclusive": 0},
        {"unheardOf": 1},
        {"date-time": "2020-01-01"},
        {"date": "2020-13-01"},
        {"duration": "5"},
        {"uri": "a"},
        {"ipv4": "1.2.3.256"},
        {"uuid": "x"},
        {"mac": "00:00"},
    ],
)
def test_the_server_refuses(spec: Manifest):
    assert len(defects(widget({"req": "x", **spec}), crds=[crd(PROBE)])) == 1


def test_a_rich_object_is_valid_and_every_field_of_it_is_checked():
    assert defects(RICH_WIDGET, crds=[crd(RICH_SCHEMA)]) == ()
    for field in RICH_WIDGET["spec"]:
        if field not in ("free", "maybe"):
            wrong = changed(RICH_WIDGET, ("spec", field), [[]])
            assert defects(wrong, crds=[crd(RICH_SCHEMA)]), field


class TestTheRoot:
    def test_metadata_is_that_of_every_object(self):
        value = changed(widget({}), ("metadata", "unheardOf"), 1)
        found = only_defect(value, crds=[crd(of_spec())])
        assert found.field == ("metadata", "unheardOf")

    def test_a_definition_may_restrict_the_name(self):
        name = {"type": "string", "maxLength": 2}
        schema = {
            "type": "object",
            "properties": {"metadata": {"type": "object", "properties": {"name": name}}},
        }
        value = {key: field for key, field in widget(None).items() if key != "spec"}
        assert only_defect(value, crds=[crd(schema)]).field == ("metadata", "name")

    def test_status_is_an_ordinary_field_without_the_subresource(self):
        value = widget({"req": "x"}, status={})
        assert only_defect(value, crds=[crd(PROBE)]).field == ("status", "phase")

    def test_status_is_discarded_with_the_subresource(self):
        value = widget({"req": "x"}, status={"phase": 5})
        assert defects(value, crds=[crd(PROBE, subresources={"status": {}})]) == ()


class TestWhichDefinitionCounts:
    def test_only_served_versions_have_a_schema(self):
        assert not outcome(widget({}), crds=[crd(of_spec(), served=False)]).known

    def test_a_version_that_no_definition_has_is_unknown(self):
        value = {**widget({}), "apiVersion": "example.com/v2"}
        assert not outcome(value, crds=[crd(of_spec())]).known

    def test_the_head_wins_over_the_base(self):
        head = crd(of_spec(size={"type": "integer"}))
        base = replace(crd(of_spec(size=STRING)), revision="base")
        for order in ([head, base], [base, head]):
            assert defects(widget({"size": 1}), crds=order) == ()
            assert len(defects(widget({"size": "1"}), crds=order)) == 1

    def test_the_base_counts_where_the_head_has_none(self):
        base = replace(crd(of_spec(size=STRING)), revision="base")
        assert len(defects(widget({"size": 1}), crds=[base])) == 1

    def test_definitions_win_over_schema_files(self):
        files = {"schemas/example.com/widget_v1.json": b"{}"}
        found = defects(widget({"size": 1}), crds=[crd(of_spec(size=STRING))], locations=files)
        assert len(found) == 1

    def test_different_definitions_of_one_revision_are_alternatives(self):
        crds = [
            crd(of_spec(size={"type": "integer"})),
            replace(crd(of_spec(size=STRING, unit=STRING)), origin="other.yaml"),
        ]
        for valid in ({"size": 1}, {"size": "1"}, {"size": "1", "unit": "m"}):
            assert defects(widget(valid), crds=crds) == ()
        (defect,) = defects(widget({"size": 1, "unit": "m"}), crds=crds)
        assert defect.field in (("spec", "size"), ("spec", "unit"))

    def test_one_that_is_not_deployed_loosens_none_that_is(self):
        deployed = crd(of_spec(size={"type": "integer"}))
        loose = replace(crd(of_spec(size=STRING)), origin="a.yaml", deployed=False)
        for order in ([deployed, loose], [loose, deployed]):
            assert len(defects(widget({"size": "1"}), crds=order)) == 1
        assert defects(widget({"size": "1"}), crds=[loose]) == ()
        older = replace(deployed, revision="base")
        assert defects(widget({"size": "1"}), crds=[loose, older]) == ()

    def test_the_order_of_alternatives_changes_nothing(self):
        one = crd(of_spec(size={"type": "integer"}))
        other = replace(crd(of_spec(size={"type": "boolean"})), origin="other.yaml")
        value = widget({"size": "x"})
        assert defects(value, crds=[one, other]) == defects(value, crds=[other, one])

    def test_nobody_redefines_a_group_of_kubernetes(self):
        value = crd_value({**OPEN})
        value["spec"]["group"] = "apps"
        value["spec"]["names"]["kind"] = "Deployment"
        crds = [CrdDocument(value=value, origin="evil.yaml")]
        assert defects({"apiVersion": "apps/v1", "kind": "Deployment", "x": 1}, crds=crds)
        value["spec"]["names"]["kind"] = "Widget"
        (defect,) = defects({"apiVersion": "apps/v1", "kind": "Widget"}, crds=crds)
        assert "does not exist" in defect.message

    def test_definitions_are_read_only_for_kinds_that_need_them(self):
        def never() -> list[CrdDocument]:
            raise AssertionError

        validator = build_validator(SchemaSettings(), "1.36", never)
        (found,) = validator.validate([resource({"apiVersion": "v1", "kind": "ConfigMap"})])
        assert found.known

    def test_a_legacy_definition_keeps_unknown_fields(self):
        value = {
            "apiVersion": "apiextensions.k8s.io/v1beta1",
            "kind": "CustomResourceDefinition",
            "spec": {
                "group": "example.com",
                "version": "v1",
                "names": {"kind": "Widget"},
                "validation": {"openAPIV3Schema": of_spec(size=STRING)},
            },
        }
        crds = [CrdDocument(value=value, origin="old.yaml")]
        assert defects(widget({"unheardOf": 1}), crds=crds) == ()
        assert only_defect(widget({"size": 1}), crds=crds).field == ("spec", "size")

    def test_unknown_fields_are_kept_when_not_strict(self):
        assert defects(widget({"unheardOf": 1}), crds=[crd(of_spec())], strict=False) == ()


class TestDefinitionsThatDoNotLoad:
    @pytest.mark.parametrize(
        ("schema", "reason"),
        [
            (of_spec(a={"$ref": "file:///etc/passwd"}), "spec.a: $ref is not allowed"),
            (of_spec(a={"$ref": "#/definitions/a"}), "spec.a: $ref is not allowed"),
            (of_spec(a={"type": "string", "pattern": "(?=x)"}), "is not a"),
            (of_spec(a={"type": "string", "pattern": "("}), "is not a"),
            (of_spec(a={"type": "unheardOf"}), "unheardOf"),
            (of_spec(a={"type": 5}), "type"),
            (of_spec(a="string"), "spec.a must be a mapping"),
            (of_spec(a={"type": "object", "required": "b"}), "required must be a list"),
            (of_spec(a={"enum": []}), "enum must not be empty"),
            ({"type": "object", "properties": []}, "must be a mapping"),
            (None, "the schema must be a mapping"),
            (
                of_spec(a={"type": "string", "pattern": r"[\p{L}\p{N}]{900}" * 8}),
                "patterns of the schema are too large",
            ),
        ],
    )
    def test_a_resource_of_the_kind_has_a_defect_that_names_file_and_reason(self, schema, reason):
        defect = only_defect(widget({}), crds=[crd(schema)])
        assert defect.message.startswith(
            "The schema of example.com/v1 Widget in crds/widget.yaml does not load: "
        )
        assert reason in defect.message

    def test_nesting_is_capped(self):
        schema: Manifest = dict(STRING)
        for _ in range(MAXIMUM_DEPTH + 5):
            schema = {"type": "object", "properties": {"a": schema}}
        assert "nested too deeply" in only_defect(widget({}), crds=[crd(schema)]).message

    def test_nesting_beyond_any_stack_is_capped_as_well(self):
        schema: Manifest = dict(STRING)
        for _ in range(50_000):
            schema = {"allOf": [schema]}
        assert "nested too deeply" in only_defect(widget({}), crds=[crd(schema)]).message

    def test_one_that_nobody_uses_breaks_nothing(self):
        broken = crd(of_spec(a={"$ref": "x"}), kind="Gadget")
        assert defects(widget({}), crds=[broken, crd(of_spec())]) == ()

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"apiVersion": "apiextensions.k8s.io/v1"},
            {"apiVersion": "apiextensions.k8s.io/v1", "spec": []},
            {"apiVersion": "apiextensions.k8s.io/v1", "spec": {"group": "a.b", "names": {}}},
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "spec": {"group": "a.b", "names": {"kind": "A"}, "versions": [None]},
            },
        ],
    )
    def test_one_that_does_not_say_what_it_defines_is_named(self, value):
        document = CrdDocument(value=value, origin="crds/broken.yaml")
        (error,) = unusable_crds([document, crd(of_spec())])
        assert error.path == "crds/broken.yaml"
        assert defects(widget({}), crds=[document, crd(of_spec())]) == ()


FILE = "schemas/example.com/widget_v1.json"
FILE_SCHEMA: Manifest = {
    "type": "object",
    "properties": {
        "apiVersion": STRING,
        "metadata": OBJECT,
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "size": {"type": ["integer", "null"]},
                "port": {"oneOf": [STRING, {"type": "integer"}]},
            },
        },
    },
}


class TestSchemaFiles:
    def found(self, value: Manifest, path: str = FILE) -> SchemaOutcome:
        return outcome(value, locations={path: json.dumps(FILE_SCHEMA).encode()})

    def test_a_file_in_the_layout_of_the_catalogue_is_a_schema(self):
        assert self.found(widget({"size": 1, "port": "http"})).defects == ()
        (defect,) = self.found(widget({"sizes": 1})).defects
        assert defect.suggestion == "size:"

    def test_objects_that_the_file_leaves_open_stay_open(self):
        assert self.found({**widget({}), "extra": 1}).defects == ()

    def test_metadata_is_checked_all_the_same(self):
        (defect,) = self.found(changed(widget({}), ("metadata", "labels"), [])).defects
        assert defect.field == ("metadata", "labels")

    def test_two_branches_that_overlap_only_in_null_accept_null(self):
        assert self.found(widget({"port": None})).defects == ()

    @pytest.mark.parametrize(
        "path",
        [
            "schemas/example.com/gadget_v1.json",
            "schemas/example.com/widget_v2.json",
            "schemas/example.org/widget_v1.json",
            "widget_v1.json",
            "schemas/example.com/widget.json",
        ],
    )
    def test_files_of_other_kinds_say_nothing(self, path):
        assert not self.found(widget({}), path=path).known

    def test_the_earlier_location_wins(self):
        files = {
            "b/example.com/widget_v1.json": json.dumps(of_spec(size=STRING)).encode(),
            "a/example.com/widget_v1.json": json.dumps(of_spec(size={"type": "integer"})).encode(),
        }
        settings = SchemaSettings(locations=("./b/", "a"))
        validator = build_validator(settings, "1.36", [], locations=files)
        first, second = validator.validate(
            [resource(widget({"size": "1"})), resource(widget({"size": 1}))]
        )
        assert (first.defects, len(second.defects)) == ((), 1)

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{", b"\xff", b"[" * 200_000, b'{"$ref": "https://x.invalid/"}']
    )
    def test_a_file_that_does_not_load_is_a_defect_that_names_it(self, content):
        (defect,) = outcome(widget({}), locations={FILE: content}).defects
        assert f"in {FILE} does not load" in defect.message


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "required", "anyOf", "x"])
            | st.text(max_size=4),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(JSON_VALUES, JSON_VALUES)
def test_no_schema_and_no_value_raises(schema: Any, value: Any):
    for given_schema in (schema, of_spec(a=schema)):
        found = outcome(widget({"a": value}), crds=[crd(given_schema)])
        assert found.known
