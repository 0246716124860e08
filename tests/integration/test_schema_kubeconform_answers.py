"""What becomes of each answer that kubeconform can give, with a program that gives them."""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.checks.interface import SchemaOutcome, SchemaValidator
from gitops_gate.checks.schema import build_validator
from gitops_gate.checks.schema.kubeconform import as_yaml
from gitops_gate.config.settings import SchemaSettings
from gitops_gate.documents import load_document
from gitops_gate.errors import ToolError
from tests.unit.checks.schema_examples import BUILTIN, changed, resource

DEPLOYMENT = next(manifest for manifest in BUILTIN if manifest["kind"] == "Deployment")
SECRET = next(manifest for manifest in BUILTIN if manifest["kind"] == "Secret")


def validator_that_answers(folder: Path, *results: dict[str, Any]) -> SchemaValidator:
    """A validator whose kubeconform gives these results whatever it is asked."""
    program = folder / "kubeconform"
    answer = folder / "answer.json"
    answer.write_text(json.dumps({"resources": results}))
    program.write_text(f"#!/bin/sh\ncat > /dev/null\ncat {answer}\n")
    program.chmod(0o755)
    settings = SchemaSettings(engine="kubeconform", kubeconform_command=str(program))
    return build_validator(settings, "1.36", [])


def invalid(kind: str, path: str, words: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "status": "statusInvalid",
        "msg": words,
        "validationErrors": [{"path": path, "msg": words}],
    }


def outcome(folder: Path, value: dict[str, Any], *results: dict[str, Any]) -> SchemaOutcome:
    validator = validator_that_answers(folder, *results)
    try:
        return validator.validate([resource(value)])[0]
    finally:
        validator.close()


def test_kubeconform_decides_what_is_valid(tmp_path: Path) -> None:
    wrong = changed(DEPLOYMENT, ("spec", "replicas"), "three")
    found = outcome(tmp_path, wrong, {"kind": "Deployment", "status": "statusValid"})
    assert found == SchemaOutcome(known=True)


def test_an_objection_that_we_do_not_share_is_shown_in_its_own_words(tmp_path: Path) -> None:
    answer = invalid("Deployment", "/spec/template/spec/containers/0", "got \x1b[1mx, want y")
    (defect,) = outcome(tmp_path, DEPLOYMENT, answer).defects
    assert defect.message == ("spec.template.spec.containers[0]: got x, want y (kubeconform).")
    assert defect.field == ("spec", "template", "spec", "containers", 0)


def test_its_own_words_about_a_secret_are_not_repeated(tmp_path: Path) -> None:
    (defect,) = outcome(tmp_path, SECRET, invalid("Secret", "/data/a", "'hunter2'")).defects
    assert "hunter2" not in defect.message


def test_a_resource_that_it_cannot_read_is_a_defect(tmp_path: Path) -> None:
    answer = {"kind": "", "status": "statusError", "msg": "error unmarshalling resource: x"}
    (defect,) = outcome(tmp_path, DEPLOYMENT, answer).defects
    assert "error unmarshalling resource" in defect.message


def test_a_schema_that_it_cannot_load_is_a_defect(tmp_path: Path) -> None:
    answer = {"status": "statusError", "msg": "could not find schema for Deployment"}
    (defect,) = outcome(tmp_path, DEPLOYMENT, answer).defects
    assert "The schema of apps/v1 Deployment does not load" in defect.message


def test_a_skipped_resource_is_not_a_valid_one(tmp_path: Path) -> None:
    found = outcome(tmp_path, DEPLOYMENT, {"kind": "Deployment", "status": "statusSkipped"})
    assert found.defects


@pytest.mark.parametrize("results", [(), ({"kind": "Deployment", "status": "statusValid"},) * 2])
def test_an_answer_for_more_or_fewer_resources_is_an_error(
    tmp_path: Path, results: tuple[dict[str, Any], ...]
) -> None:
    with pytest.raises(ToolError, match="of 1 resources"):
        outcome(tmp_path, DEPLOYMENT, *results)


def test_an_answer_in_another_order_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="another order"):
        outcome(tmp_path, DEPLOYMENT, {"kind": "Service", "status": "statusValid"})


def test_nothing_is_started_when_no_kind_has_a_schema(tmp_path: Path) -> None:
    validator = validator_that_answers(tmp_path)
    (found,) = validator.validate([resource({"apiVersion": "example.com/v1", "kind": "X"})])
    assert not found.known


def test_the_folder_of_schemas_is_private_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    validator = validator_that_answers(tmp_path, {"kind": "Deployment", "status": "statusValid"})
    validator.validate([resource(DEPLOYMENT)])
    (folder,) = tmp_path.glob("gitops-gate-schemas-*")
    assert folder.stat().st_mode & 0o077 == 0
    assert [file.name for file in folder.iterdir()] == ["deployment-apps-v1.json"]
    validator.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    "text",
    ["\x7f\x85\u2028\ufeff\ufffe", "tab\tnewline\n", "\U0001f600", "yes", "2020-01-01", "'\"\\#:"],
)
def test_what_it_is_fed_reads_as_what_was_meant(text: str) -> None:
    value = {"a": text, text: [1, 1.5, None, True, 10**18]}
    assert load_document(as_yaml(value).encode()) == value


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_goes_on_using_a_validator() -> None:
    validator = build_validator(SchemaSettings(), "1.36", [])
    values = [resource(DEPLOYMENT), resource(changed(DEPLOYMENT, ("spec", "replicas"), "x"))]
    expected = validator.validate(values)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(validator.validate(values)))
    child.start()
    assert receiver.recv() == expected
    child.join()
