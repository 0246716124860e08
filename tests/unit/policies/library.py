"""The shipped rules and their golden cases, as the tests of both engines read them."""

from __future__ import annotations

import copy
import functools
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regorus
import yaml

from tests.engines import ROOT

POLICIES = ROOT / "policies"
APPLICATION = {
    "name": "shop",
    "path": "apps/shop",
    "environment": "default",
    "renderer": "directory",
}


@dataclass(frozen=True)
class Rule:
    """One rule of the library: its file and what its metadata says."""

    path: Path

    @property
    def id(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def package(self) -> str:
        return "gitops_gate." + self.id.replace("-", "_").replace("/", ".")

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        lines = self.path.read_text("utf-8").splitlines()
        assert lines[0] == "# METADATA"
        block = []
        for line in lines[1:]:
            if not line.startswith("#"):
                break
            block.append(line.removeprefix("#").removeprefix(" "))
        return yaml.safe_load("\n".join(block))

    @property
    def custom(self) -> dict[str, Any]:
        return self.metadata["custom"]


@dataclass(frozen=True)
class Case:
    """One golden case; `results` is empty where the rule allows the object."""

    rule: Rule
    name: str
    fields: Mapping[str, Any]
    results: Sequence[Mapping[str, Any]]

    def __str__(self) -> str:
        return f"{self.rule.id}: {self.name}"

    @property
    def operation(self) -> str:
        if "object" not in self.fields:
            return "DELETE"
        return "UPDATE" if "oldObject" in self.fields else "CREATE"

    @property
    def input(self) -> dict[str, Any]:
        old = self.fields.get("oldObject")
        return {
            "object": self.fields.get("object", old),
            "oldObject": old,
            "operation": self.operation,
            "application": self.fields.get("application", APPLICATION),
            "parameters": self.fields.get("parameters", {}),
        }

    @property
    def inventory(self) -> list[Any]:
        return self.fields.get("inventory", [])


def rule_files() -> list[Path]:
    """Every file of the library that is no test, its own modules included."""
    return [
        path for path in sorted(POLICIES.rglob("*.rego")) if not path.name.endswith("_test.rego")
    ]


def rules() -> list[Rule]:
    """Every rule of the library, by id."""
    return [Rule(path) for path in rule_files() if path.parent.name != "lib"]


def cases() -> Iterator[Case]:
    """Every golden case of every rule."""
    for rule in rules():
        document = yaml.safe_load(rule.path.with_suffix(".cases.yaml").read_text("utf-8"))
        content = document[rule.id]
        assert set(content) == {"allowed", "denied"}, rule.id
        for entry in content["allowed"]:
            assert "results" not in entry, (rule.id, entry["name"])
            yield Case(rule, entry["name"], entry, [])
        for entry in content["denied"]:
            assert entry["results"], (rule.id, entry["name"])
            yield Case(rule, entry["name"], entry, entry["results"])


def engine() -> regorus.Engine:
    """An embedded engine with the whole library."""
    made = regorus.Engine()
    for path in rule_files():
        made.add_policy(str(path.relative_to(ROOT)), path.read_text("utf-8"))
    return made


def evaluate(
    made: regorus.Engine, package: str, question: Mapping[str, Any], inventory: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    """The results of one rule; raises where the engine does."""
    if inventory:
        made = made.clone()
        made.add_data_json(json.dumps({"inventory": list(inventory)}))
    made.set_input_json(json.dumps(question))
    return json.loads(made.eval_rule_as_json(f"data.{package}.deny"))


def assert_expected(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]):
    """Each expected result is there once, with the keys that the case names; nothing else is."""
    shown = json.dumps(found, indent=1)
    assert len(found) == len(expected), shown
    for wanted in expected:
        same = [one for one in found if wanted.items() <= one.items()]
        assert len(same) == 1, f"not found: {json.dumps(wanted)}\nin {shown}"


def used_builtins(text: str) -> set[str]:
    """What looks like a call of a builtin or function with a dotted name."""
    return set(re.findall(r"\b([a-z_]+(?:\.[a-z_0-9]+)+)\(", text))


BROKEN: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    5,
    "",
    "x",
    [],
    ["x"],
    [None],
    {},
    {"x": "x"},
    [[]],
    1.5,
)
"""What stands where something else is expected."""


def mutants(limit: int) -> list[tuple[Case, dict[str, Any]]]:
    """Questions of the golden cases with one node inside an object replaced by what it is not.

    The same ones in every run, at most `limit` of them.
    """
    made = []
    for case in cases():
        for side in {"object", "oldObject"} & set(case.fields):
            for place in _places(case.fields[side]):
                made += [(case, side, place, by) for by in BROKEN]
    made.sort(key=repr)
    chosen = random.Random(1).sample(made, min(limit, len(made)))
    return [
        (case, {**case.input, side: _replaced(case.fields[side], place, by)})
        for case, side, place, by in chosen
    ]


def _places(value: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every node inside a value."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*prefix, key)
            yield from _places(item, (*prefix, key))


def _replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    changed = copy.copy(value)
    changed[place[0]] = _replaced(value[place[0]], place[1:], by)
    return changed
