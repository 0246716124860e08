"""What a reader is told: the place, what is wrong, what is allowed, and the likely fix."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.checks.schema import build_validator
from gitops_gate.checks.schema.messages import MAXIMUM_DEFECTS
from gitops_gate.checks.schema.nearest import nearest
from gitops_gate.checks.schema.wording import field_text, listing, quoted, shown
from gitops_gate.config.settings import SchemaSettings
from tests.unit.checks.schema_examples import (
    BUILTIN,
    RICH_SCHEMA,
    RICH_WIDGET,
    changed,
    crd,
    defects,
    of_spec,
    only_defect,
    resource,
    widget,
)

DEPLOYMENT = next(manifest for manifest in BUILTIN if manifest["kind"] == "Deployment")
SECRET = next(manifest for manifest in BUILTIN if manifest["kind"] == "Secret")
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)


def of_deployment(path: tuple[str | int, ...], value: Any) -> tuple[str, str | None]:
    defect = only_defect(changed(DEPLOYMENT, path, value))
    assert defect.message.startswith(field_text(defect.field))
    return defect.message, defect.suggestion


def of_widget(path: tuple[str | int, ...], value: Any) -> str:
    return only_defect(changed(RICH_WIDGET, path, value), crds=[crd(RICH_SCHEMA)]).message


class TestUnknownFields:
    def test_a_misspelt_field_is_named_with_the_one_that_is_meant(self):
        value = changed(changed(DEPLOYMENT, ("spec", "replica"), 2), ("spec", "replicas"), ...)
        defect = only_defect(value)
        assert defect.message == (
            'spec.replica is not a field of apps/v1 Deployment. Did you mean "replicas"?'
        )
        assert (defect.field, defect.suggestion) == (("spec", "replica"), "replicas:")

    def test_a_missing_field_that_a_misspelling_stands_for_is_not_reported_as_well(self):
        containers = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
        value = changed(DEPLOYMENT, (*POD, "containers"), ...)
        value = changed(value, (*POD, "contaners"), containers)
        value = changed(value, (*POD, "volumes"), [])
        defect = only_defect(value)
        assert "contaners is not a field" in defect.message

    def test_the_meant_field_may_be_there_already(self):
        message, suggestion = of_deployment(("spec", "Replicas"), 1)
        assert message.endswith('"replicas" is, and is there as well.')
        assert suggestion is None

    def test_a_field_at_the_wrong_level_is_told_where_it_belongs(self):
        message, suggestion = of_deployment(("replicas",), 2)
        assert message == "replicas is not a field of apps/v1 Deployment. It is a field of spec."
        assert suggestion is None

    def test_where_few_fields_exist_they_are_listed(self):
        message, _ = of_deployment((*CONTAINER, "env", 0, "zzz"), 1)
        assert message.endswith("Known here: name, value and valueFrom.")


class TestTypes:
    @pytest.mark.parametrize(
        ("path", "value", "message", "suggestion"),
        [
            (
                ("spec", "replicas"),
                "3",
                'spec.replicas must be an integer, not the string "3".',
                "3",
            ),
            (
                ("spec", "replicas"),
                "three",
                'spec.replicas must be an integer, not the string "three".',
                None,
            ),
            (
                (*POD, "hostNetwork"),
                "yes",
                'spec.template.spec.hostNetwork must be true or false, not the string "yes".',
                "true",
            ),
            (
                (*CONTAINER, "env", 0, "value"),
                8080,
                f"{field_text(CONTAINER)}.env[0].value must be a string, not the integer 8080.",
                '"8080"',
            ),
            (
                (*CONTAINER, "args"),
                "--debug",
                'spec.template.spec.containers[0].args must be a list, not the string "--debug".',
                None,
            ),
            (
                (*POD, "activeDeadlineSeconds"),
                [],
                f"{field_text(POD)}.activeDeadlineSeconds must be an integer, not an empty list.",
                None,
            ),
            (
                (*CONTAINER, "lifecycle"),
                [1],
                f"{field_text(CONTAINER)}.lifecycle must be a mapping, not a list.",
                None,
            ),
        ],
    )
    def test_the_type_that_is_wanted_and_the_one_that_is_there(
        self, path, value, message, suggestion
    ):
        assert of_deployment(path, value) == (message, suggestion)

    def test_a_number_is_only_quoted_where_the_manifest_writes_it_so(self):
        """`0777` was read as 511: quoting what was read would change it."""
        value = changed(DEPLOYMENT, ("metadata", "annotations", "mode"), 511)
        written = json.dumps(value).replace("511", "0777").encode()
        validator = build_validator(SchemaSettings(), "1.36", [])
        (outcome,) = validator.validate([replace(resource(value), text=written)])
        assert outcome.defects[0].suggestion is None

    def test_widths_and_quantities_are_said_in_words(self):
        assert of_deployment(("spec", "replicas"), 2**40)[0] == (
            "spec.replicas must be an integer of 32 bits, not 1099511627776."
        )
        message, suggestion = of_deployment((*CONTAINER, "resources", "limits", "memory"), "1 Gi")
        assert "must be a quantity such as 500m, 1.5 or 2Gi" in message
        assert suggestion == "1Gi"


class TestValues:
    def test_an_enumeration_names_the_allowed_and_the_nearest(self):
        message, suggestion = of_deployment((*CONTAINER, "imagePullPolicy"), "always")
        assert message == (
            "spec.template.spec.containers[0].imagePullPolicy must be Always, IfNotPresent, "
            'Never or "", not "always". Did you mean "Always"?'
        )
        assert suggestion == "Always"

    def test_a_value_of_the_wrong_type_and_not_allowed_is_one_defect(self):
        message, _ = of_deployment((*CONTAINER, "imagePullPolicy"), 5)
        assert message.endswith(' or "", not 5.')

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("size", 0, "spec.size must be at least 1, not 0."),
            ("ratio", 0, "spec.ratio must be more than 0, not 0."),
            ("exact", 12, "spec.exact must be a multiple of 5, not 12."),
            ("exact", 105, "spec.exact must be at most 100, not 105."),
            ("names", ["a", "a"], "spec.names must not hold the same item twice."),
            ("names", ["a", "b", "c", "d"], "spec.names must have at most 3 items, not 4."),
            ("names", [""], "spec.names[0] must not be empty."),
            ("names", ["abcdef"], "spec.names[0] must have at most 5 characters, not 6."),
            (
                "timeout",
                "soon",
                'spec.timeout must be a duration such as 30s or 1h30m, not "soon".',
            ),
            (
                "endpoint",
                "example.com",
                'spec.endpoint must be a URL, or a path that starts with /, not "example.com".',
            ),
            (
                "source",
                {"type": "git", "git": "UPPER"},
                'spec.source.git must match ^[a-z]+$, not "UPPER".',
            ),
        ],
    )
    def test_restrictions_in_plain_words(self, field, value, message):
        assert of_widget(("spec", field), value) == message


class TestAlternatives:
    """No dump of `anyOf` or `oneOf`: one thing to do."""

    def test_one_of_several_fields_is_needed(self):
        assert of_widget(("spec", "alpha"), ...) == "spec must have alpha or beta."

    def test_only_one_of_several_fields_may_be_there(self):
        assert of_widget(("spec", "beta"), "b") == "spec may have only one of alpha and beta."

    def test_an_unknown_variant_names_the_known_ones(self):
        message = of_widget(("spec", "source"), {"type": "svn"})
        assert message == 'spec.source.type must be git or oci, not "svn".'

    def test_the_variant_that_is_meant_is_explained_alone(self):
        message = of_widget(("spec", "source"), {"type": "oci"})
        assert message == "spec.source.oci is missing; example.com/v1 Widget requires it."

    def test_fields_that_exclude_each_other(self):
        message = of_widget(("spec", "source"), {"type": "git", "git": "a", "oci": 1})
        assert message == "spec.source must not have git and oci together."

    def test_alternative_restrictions_of_one_value_are_joined(self):
        schema = of_spec(
            address={
                "type": "string",
                "anyOf": [{"format": "ipv4"}, {"pattern": "^host-"}, {"enum": ["any"]}],
            }
        )
        message = only_defect(widget({"address": "x"}), crds=[crd(schema)]).message
        assert message == 'spec.address must be an IPv4 address, match ^host- or be any, not "x".'


class TestSecrets:
    def test_a_value_of_a_secret_is_never_repeated(self):
        for field in ("data", "stringData"):
            for value in ("hunter2!", 271828, ["hunter2!"], {"x": "hunter2!"}, True):
                for place in ((field,), (field, "a")):
                    for defect in defects(changed(SECRET, place, value)):
                        shown_anywhere = f"{defect.message} {defect.suggestion}"
                        assert "hunter2" not in shown_anywhere
                        assert "271828" not in shown_anywhere

    def test_a_value_that_is_not_base64_says_what_to_do(self):
        defect = only_defect(changed(SECRET, ("data", "a"), "hunter2!"))
        assert defect.message == "data.a must be base64 and is not (the value is not shown)."
        assert defect.remediation is not None
        assert "stringData" in defect.remediation

    def test_other_fields_of_a_secret_are_shown(self):
        assert only_defect(changed(SECRET, ("type",), 5)).suggestion == '"5"'


class TestOrderAndBounds:
    def test_every_error_is_reported_once_in_the_order_of_fields(self):
        value = changed(DEPLOYMENT, ("spec", "replicas"), "x")
        value = changed(value, ("metadata", "labels"), {"b": 1, "a": 2})
        value = changed(value, (*CONTAINER, "env"), [{"name": 1}, {"name": 2}])
        fields = [defect.field for defect in defects(value)]
        assert fields == [
            ("metadata", "labels", "a"),
            ("metadata", "labels", "b"),
            ("spec", "replicas"),
            (*CONTAINER, "env", 0, "name"),
            (*CONTAINER, "env", 1, "name"),
        ]

    def test_the_order_of_keys_changes_nothing(self):
        value = {**DEPLOYMENT, "zzz": 1, "aaa": 2}
        assert defects(value) == defects(dict(reversed(value.items())))

    def test_a_flood_of_errors_is_counted_not_listed(self):
        value = changed(DEPLOYMENT, ("metadata", "labels"), {f"k{i:04}": i for i in range(500)})
        found = defects(value)
        assert len(found) == MAXIMUM_DEFECTS + 1
        assert found[-1].message == f"{500 - MAXIMUM_DEFECTS} more violations of the schema."

    def test_long_and_hostile_text_is_cut_and_cleaned(self):
        nasty = "\x1b[31m\u202e" + "A" * 10_000
        value = changed(DEPLOYMENT, ("spec", "replicas"), nasty)
        value = changed(value, ("spec", nasty), 1)
        for defect in defects(value):
            assert len(defect.message) < 400
            assert "\x1b" not in defect.message
            assert "\u202e" not in defect.message


def test_fields_are_written_as_people_write_them():
    assert field_text(("spec", "containers", 0, "image")) == "spec.containers[0].image"
    assert field_text(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'
    assert field_text(()) == "the resource"


def test_lists_of_words_read_as_sentences():
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"], last="or") == "a, b or c"
    assert listing([str(i) for i in range(20)]).endswith("and 8 more")


@given(st.text(max_size=300))
def test_what_is_shown_stays_on_one_line_and_short(text: str):
    for line in (quoted(text), shown(text), field_text((text,))):
        assert "\n" not in line
        assert "\r" not in line
        assert "\x1b" not in line
        assert len(line) <= 450


@given(st.text(max_size=100), st.lists(st.text(max_size=20), max_size=10))
def test_the_nearest_word_is_one_of_the_candidates_and_another_word(word, candidates):
    found = nearest(word, candidates)
    assert found is None or (found in candidates and found != word)
