"""A configuration file becomes settings, or an error that helps to mend it."""

from __future__ import annotations

import contextlib
import json
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.config import Settings, load_settings, published_schema, settings_digest
from gitops_gate.config.approval_loading import load_approvals, load_freezes
from gitops_gate.config.delivery_loading import load_delivery
from gitops_gate.config.settings import (
    ConfiguredApplication,
    ConfiguredHelm,
    DiscoverySettings,
    Environment,
    ForgeSettings,
    GateSettings,
    PolicySettings,
    RenderSettings,
    ReviewSettings,
    RuleOverride,
    SchemaSettings,
)
from gitops_gate.errors import ConfigurationError
from gitops_gate.findings import Severity

COMPLETE = """\
version: 1
environments:
  production:
    match: ["**/prod/**", "**/overlays/production", "clusters/prod/**"]
    kubernetes: "1.35"
  staging:
    match: ["**/staging/**"]
discovery:
  include: ["**"]
  exclude: ["**/testdata/**", vendor/]
applications:
  - name: shop-production
    path: charts/shop/
    renderer: helm
    environment: production
    helm:
      release: shop
      namespace: shop
      values: [values.yaml, /env/prod.yaml]
      api_versions: [a/v1]
  - path: "apps/*"
    renderer: kustomize
render:
  timeout: 1m30s
  helm: {command: helm3}
  kustomize: {command: kubectl kustomize}
  allow_remote: ["https://git.example.com/platform/"]
schemas:
  engine: kubeconform
  kubeconform: {command: ./kubeconform}
  kubernetes: "1.30"
  strict: false
  missing: error
  crds: ["**/crds/**", "schemas/*.yaml"]
  locations: [schemas]
policies:
  engine: opa
  opa: {command: opa, url: "http://127.0.0.1:8181"}
  builtin: [recommended, images]
  paths: [policies/, more]
  rules:
    images/pinned: {severity: error, parameters: {allow: ["registry.example.com/**"]}}
    probes: {severity: off, environments: [staging]}
gate: {mode: advisory, fail_on: warning, scope: all}
waivers: waivers.yaml
forge: {url: "https://github.example.com", repository_id: 42}
review:
  comment: false
  inline: {enabled: false, maximum: 5}
  check_name: production gate
  redact: [spec.values.**.password]
"""

EXPECTED = Settings(
    environments=(
        Environment(
            name="production",
            match=("**/prod/**", "**/overlays/production", "clusters/prod/**"),
            kubernetes="1.35",
        ),
        Environment(name="staging", match=("**/staging/**",)),
    ),
    discovery=DiscoverySettings(include=("**",), exclude=("**/testdata/**", "vendor/")),
    applications=(
        ConfiguredApplication(
            path="charts/shop",
            name="shop-production",
            renderer="helm",
            environment="production",
            helm=ConfiguredHelm(
                release="shop",
                namespace="shop",
                values=("values.yaml", "/env/prod.yaml"),
                api_versions=("a/v1",),
            ),
        ),
        ConfiguredApplication(path="apps/*", renderer="kustomize"),
    ),
    render=RenderSettings(
        timeout=90.0,
        helm_command="helm3",
        kustomize_command="kubectl kustomize",
        allow_remote=("https://git.example.com/platform/",),
    ),
    schemas=SchemaSettings(
        engine="kubeconform",
        kubeconform_command="./kubeconform",
        kubernetes="1.30",
        strict=False,
        missing="error",
        crds=("**/crds/**", "schemas/*.yaml"),
        locations=("schemas",),
    ),
    policies=PolicySettings(
        engine="opa",
        opa_command="opa",
        opa_url="http://127.0.0.1:8181",
        builtin=("recommended", "images"),
        paths=("policies/", "more"),
        rules={
            "images/pinned": RuleOverride(
                severity=Severity.ERROR, parameters={"allow": ["registry.example.com/**"]}
            ),
            "probes": RuleOverride(severity="off", environments=("staging",)),
        },
    ),
    gate=GateSettings(mode="advisory", fail_on=Severity.WARNING, scope="all"),
    waivers="waivers.yaml",
    forge=ForgeSettings(url="https://github.example.com", repository_id=42),
    review=ReviewSettings(
        comment=False, inline=False, inline_maximum=5, check_name="production gate"
    ),
    redact=("spec.values.**.password",),
)


def load(text: str) -> Settings:
    return load_settings(text.encode())


def refuse(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return caught.value


class TestSettings:
    """What a good file means."""

    @pytest.mark.parametrize("text", ["", "\n", "# nothing but a comment\n", "---\n", "{}\n"])
    def test_an_empty_file_is_the_defaults(self, text: str) -> None:
        assert load(text) == Settings()

    def test_every_key_arrives(self) -> None:
        assert load(COMPLETE) == EXPECTED

    def test_the_kubernetes_version_of_an_environment(self) -> None:
        settings = load(COMPLETE)
        assert settings.kubernetes("production") == "1.35"
        assert settings.kubernetes("staging") == "1.30"
        assert settings.kubernetes("default") == "1.30"

    def test_environments_keep_the_order_of_the_file(self) -> None:
        names = [f"e{number}" for number in (3, 1, 2, 0)]
        text = "environments:\n" + "".join(f"  {name}: {{}}\n" for name in names)
        assert [each.name for each in load(text).environments] == names

    @pytest.mark.parametrize(
        ("text", "seconds"), [("60s", 60), ("2m", 120), ("1m30s", 90), ("1h", 3600)]
    )
    def test_durations_are_seconds(self, text: str, seconds: float) -> None:
        assert load(f"render: {{timeout: {text}}}").render.timeout == seconds

    @pytest.mark.parametrize("written", ["off", '"off"', "false"])
    def test_a_rule_is_turned_off_however_yaml_reads_it(self, written: str) -> None:
        settings = load(f"policies: {{rules: {{images: {{severity: {written}}}}}}}")
        assert settings.policies.rules["images"].severity == "off"

    def test_a_list_replaces_its_default(self) -> None:
        settings = load("policies: {builtin: [], paths: []}\ndiscovery: {exclude: []}")
        assert settings.policies.builtin == ()
        assert settings.policies.paths == ()
        assert settings.discovery.exclude == ()

    def test_no_url_is_the_same_as_null(self) -> None:
        assert load("policies: {opa: {url: null}}") == Settings()

    def test_settings_cross_a_process_boundary(self) -> None:
        assert pickle.loads(pickle.dumps(load(COMPLETE))) == EXPECTED

    def test_an_empty_file_needs_no_validator(self) -> None:
        code = (
            "import sys; from gitops_gate.config import load_settings; load_settings(b'');"
            "sys.exit('jsonschema' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text() | st.sampled_from(sorted(published_schema("configuration")["properties"])),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)

sections = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(
            st.sampled_from(sorted(section.get("properties", {"x": 0}))), values, max_size=3
        )
        for name, section in published_schema("configuration")["properties"].items()
    },
)


class TestErrors:
    """What a bad file is told."""

    @pytest.mark.parametrize(
        ("text", "line", "column", "message"),
        [
            ("environmets: {}", 1, 1, "unknown key `environmets`; did you mean `environments`?"),
            (
                "gate:\n  failon: error",
                2,
                3,
                "unknown key `gate.failon`; did you mean `fail_on`?",
            ),
            (
                "gate: {x: 1}",
                1,
                8,
                "unknown key `gate.x`; known here: mode, fail_on, scope",
            ),
            ("deliver: {}", 1, 1, "unknown key `deliver`; did you mean `delivery`?"),
            (
                "forge: {url: https://user:secret@github.example.com}",
                1,
                14,
                (
                    "`forge.url`: an address looks like https://github.example.com, without a "
                    "user, a query or a fragment"
                ),
            ),
            (
                "review:\n  check_name: '::error'",
                2,
                15,
                (
                    "`review.check_name`: a name of a check has letters, digits, spaces and any of "
                    ". _ / -, at most 100 of them"
                ),
            ),
            (
                "review: {inline: {maximum: 500}}",
                1,
                28,
                "`review.inline.maximum`: 500 is greater than the maximum of 100",
            ),
            (
                "gate:\n  mode: enforced\n",
                2,
                9,
                (
                    "`gate.mode`: `enforced` is not allowed; did you mean `enforce`? "
                    "(allowed: enforce, advisory)"
                ),
            ),
            (
                "gate: {scope: 3}",
                1,
                15,
                "`gate.scope`: the number 3 is not allowed; (allowed: introduced, all)",
            ),
            (
                "schemas: {kubernetes: 1.30}",
                1,
                23,
                '`schemas.kubernetes`: a version is text: put 1.30 in quotes, "1.30"',
            ),
            (
                'schemas: {kubernetes: "1.3"}',
                1,
                23,
                "`schemas.kubernetes`: `1.3` is not allowed; did you mean `1.37`?",
            ),
            (
                'schemas: {kubernetes: "1.24"}',
                1,
                23,
                "(allowed: 1.25, 1.26, 1.27,",
            ),
            (
                "schemas: {strict: maybe}",
                1,
                19,
                "`schemas.strict`: expected true or false, not `maybe`",
            ),
            (
                "discovery: {include: x}",
                1,
                22,
                "`discovery.include`: expected a list, not `x`",
            ),
            (
                "render:",
                1,
                8,
                "`render`: expected a mapping, not null; leave the key out for the default",
            ),
            (
                "waivers: on",
                1,
                10,
                "`waivers`: expected text, not true; put it in quotes if it is meant as text",
            ),
            (
                "render: {timeout: 60}",
                1,
                19,
                "`render.timeout`: expected text, not the number 60; put it in quotes",
            ),
            (
                "render: {timeout: soon}",
                1,
                19,
                "`render.timeout`: a duration is a number with a unit, such as 60s or 2m",
            ),
            ("render: {timeout: 0s}", 1, 19, "at least 1s and at most 1h"),
            ("render: {timeout: 61m}", 1, 19, "at least 1s and at most 1h"),
            (
                "render: {helm: {command: ' '}}",
                1,
                26,
                "`render.helm.command`: a command must not be empty",
            ),
            (
                'render: {helm: {command: "helm \'"}}',
                1,
                26,
                "a command is written as in a shell",
            ),
            (
                "discovery:\n  include: [a, '[b']",
                2,
                16,
                "`discovery.include[1]`: a [ is never closed",
            ),
            (
                "policies: {paths: [../x]}",
                1,
                20,
                "`policies.paths[0]`: a path has no empty segments",
            ),
            ("waivers: /etc/passwd", 1, 10, "`waivers`: a path is relative to the root"),
            (
                "applications:\n  - name: x",
                2,
                5,
                "`applications[0]`: `path` is missing",
            ),
            (
                "applications: [{path: 'a/*', name: x}]",
                1,
                36,
                "`applications[0].name`: a pattern of several paths has no name",
            ),
            (
                "applications: [{path: a, name: x}, {path: b, name: x}]",
                1,
                52,
                "`applications[1].name`: another application has this name",
            ),
            (
                "applications: [{path: a, renderer: kustomize, helm: {}}]",
                1,
                47,
                "`applications[0].helm`: the renderer is kustomize",
            ),
            (
                "environments:\n  'a b': {}",
                2,
                3,
                '`environments["a b"]`: a name consists of letters',
            ),
            (
                "policies: {rules: {images/pinned: {severity: fatal}}}",
                1,
                46,
                (
                    '`policies.rules["images/pinned"].severity`: `fatal` is not allowed; '
                    "(allowed: error, warning, off)"
                ),
            ),
            (
                "policies: {opa: {url: 'file:///x'}}",
                1,
                23,
                "`policies.opa.url`: the address of a server starts with http://",
            ),
            (
                "policies: {opa: {url: 'http://user:secret@host'}}",
                1,
                23,
                "names no user",
            ),
            (
                "render: {allow_remote: ['-x']}",
                1,
                25,
                "`render.allow_remote[0]`: an address starts with https://",
            ),
            ("version: 2", 1, 10, "`version`: the number 2 is not allowed; it must be 1"),
            ("- a", 1, 1, "the file: expected a mapping, not a list"),
            ("text", 1, 1, "the file: expected a mapping, not `text`"),
        ],
    )
    def test_one_problem(self, text: str, line: int, column: int, message: str) -> None:
        error = refuse(text)
        assert message in error.message
        assert (error.path, error.line, error.column) == (".gitops-gate.yaml", line, column)

    def test_all_problems_are_told_in_the_order_of_the_lines(self) -> None:
        text = "# configuration\nrender: {timeout: x}\nnonsense: 1\ngate:\n  scope: everything\n"
        assert str(refuse(text)).split("\n") == [
            (
                ".gitops-gate.yaml:2:19: `render.timeout`: a duration is a number with a unit, "
                "such as 60s or 2m"
            ),
            (
                ".gitops-gate.yaml:3:1: unknown key `nonsense`; known here: version, environments, "
                "discovery, applications, render, schemas, policies, gate, waivers, approvals, "
                "freezes, forge, review, delivery"
            ),
            (
                ".gitops-gate.yaml:5:10: `gate.scope`: `everything` is not allowed; "
                "(allowed: introduced, all)"
            ),
        ]

    def test_a_file_of_nonsense_has_a_bounded_error(self) -> None:
        text = "".join(f"key{number}: {number}\n" for number in range(1000))
        start = time.perf_counter()
        message = str(refuse(text))
        assert message.count("unknown key") == 50
        assert message.endswith("and more problems, which are told when these are mended")
        assert time.perf_counter() - start < 10

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("a: [", 2),
            ("gate: {}\ngate: {}", 2),
            ("gate: {}\n---\ngate: {}\n", 3),
            ("x: " + "[" * 2000, 1),
            ("a: &a [*a]", 1),
            ("\tx", 1),
        ],
    )
    def test_what_is_no_document_is_an_error(self, text: str, line: int) -> None:
        assert refuse(text).line == line

    def test_bytes_that_are_no_text_are_an_error(self) -> None:
        for data in (b"\xff\xfe\x00", b"a: \x80", b"\0", b"a: " + b"x" * 2_000_000):
            with pytest.raises(ConfigurationError):
                load_settings(data)

    def test_what_a_terminal_would_obey_is_not_shown(self) -> None:
        error = refuse('gate: {mode: "\\e[31mred\\u202e"}')
        assert "`red`" in error.message
        assert error.message.isprintable()

    def test_the_given_path_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match=r"^other\.yaml:1:1: unknown"):
            load_settings(b"x: 1", "other.yaml")

    @given(value=values)
    def test_any_file_is_settings_or_a_configuration_error(self, value: Any) -> None:
        with contextlib.suppress(ConfigurationError):
            assert isinstance(load_settings(json.dumps(value).encode()), Settings)

    @given(value=sections)
    def test_any_value_of_a_known_key_is_settings_or_an_error(self, value: Any) -> None:
        with contextlib.suppress(ConfigurationError):
            assert isinstance(load_settings(json.dumps(value).encode()), Settings)


class TestDigest:
    """Equal meaning, equal digest."""

    def test_the_way_it_is_written_does_not_matter(self) -> None:
        one = load("gate: {mode: enforce, scope: all}\n# comment\nversion: 1")
        other = load('version: 1\ngate:\n  scope: "all"\n')
        assert settings_digest(one) == settings_digest(other)
        assert settings_digest(load("")) == settings_digest(Settings())

    def test_the_order_of_rules_and_parameters_does_not_matter(self) -> None:
        one = load("policies: {rules: {a: {parameters: {x: 1, y: 2}}, b: {}}}")
        other = load("policies: {rules: {b: {}, a: {parameters: {y: 2, x: 1}}}}")
        assert settings_digest(one) == settings_digest(other)

    def test_the_order_of_environments_matters(self) -> None:
        one, other = load("environments: {a: {}, b: {}}"), load("environments: {b: {}, a: {}}")
        assert settings_digest(one) != settings_digest(other)

    def test_every_setting_counts(self) -> None:
        digests = {settings_digest(Settings())}
        complete = replace(
            load(COMPLETE),
            approvals=load_approvals({"bind": "result"}),
            freezes=load_freezes([{"name": "now", "from": "2026-12-20T00:00:00Z"}]),
            delivery=load_delivery({"attestations": "refs/heads/attestations"}),
        )
        for name in Settings.__dataclass_fields__:
            digests.add(settings_digest(replace(Settings(), **{name: getattr(complete, name)})))
        assert len(digests) == len(Settings.__dataclass_fields__) + 1
        assert all(len(digest) == 71 and digest.startswith("sha256:") for digest in digests)


class TestPublishedSchema:
    """The schema that editors and the reference are made from."""

    @staticmethod
    def nodes(schema: Any) -> list[dict[str, Any]]:
        found = [schema]
        for group in ("properties", "$defs"):
            for inner in schema.get(group, {}).values():
                found += TestPublishedSchema.nodes(inner)
        for name in ("items", "additionalProperties"):
            if isinstance(schema.get(name), dict):
                found += TestPublishedSchema.nodes(schema[name])
        return found

    @pytest.mark.parametrize("name", ["configuration", "waivers"])
    def test_it_is_valid_and_describes_every_key(self, name: Any) -> None:
        from jsonschema import Draft202012Validator

        schema = published_schema(name)
        Draft202012Validator.check_schema(schema)
        for node in self.nodes(schema):
            assert {"title", "description"} <= node.keys() or set(node) == {"$ref"}, node
            if node.get("properties"):
                assert node["additionalProperties"] is False, node["title"]
            if "pattern" in node:
                assert "patternErrorMessage" in node

    def test_its_defaults_are_those_of_the_settings(self) -> None:
        def defaults(schema: dict[str, Any]) -> dict[str, Any]:
            found = {}
            for key, inner in schema["properties"].items():
                if "default" in inner:
                    found[key] = inner["default"]
                elif "properties" in inner:
                    found[key] = defaults(inner)
            return found

        written = defaults(published_schema("configuration"))
        assert load(json.dumps(written)) == Settings()
        assert set(written) == set(published_schema("configuration")["properties"])

    def test_its_examples_are_accepted(self) -> None:
        def examples(schema: dict[str, Any], *path: str) -> None:
            for example in schema.get("examples", ()):
                value = example
                for key in reversed(path):
                    value = {key: value}
                load(json.dumps(value))
            for key, inner in schema.get("properties", {}).items():
                examples(inner, *path, key)

        examples(published_schema("configuration"))

    def test_the_versions_of_kubernetes_are_those_with_schemas(self) -> None:
        versions = published_schema("configuration")["$defs"]["kubernetes"]["enum"]
        assert versions == [f"1.{minor}" for minor in range(25, 38)]

    def test_it_is_in_the_package(self) -> None:
        import gitops_gate.config

        folder = Path(gitops_gate.config.__file__).with_name("schema")
        assert {path.name for path in folder.iterdir()} >= {"configuration.json", "waivers.json"}
