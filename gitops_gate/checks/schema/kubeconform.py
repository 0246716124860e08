"""The kubeconform engine: an external program that reads the very same schemas.

For each kind at hand, the self-contained schema of the library is written once to a private
temporary folder; resources go in as one stream, so that nothing of theirs touches the disk.
kubeconform decides which of them are valid. The words for those that are not come from the same
errors over the same schema as the embedded engine's (`messages`), so both give equal findings;
where kubeconform objects, or cannot read a resource, and that walk finds nothing, its own words
are shown.

kubeconform: one worker reads the stream and answers in its order; `-verbose` makes it answer for
every document. A schema that it cannot load would count as missing, and is an error here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import Defect, SchemaOutcome
from gitops_gate.checks.schema.builtin import DIALECT
from gitops_gate.checks.schema.catalogue import KindKey
from gitops_gate.checks.schema.embedded import CompiledKind, EmbeddedValidator
from gitops_gate.checks.schema.library import KindSchema, unusable
from gitops_gate.checks.schema.messages import RULE, is_secret_field
from gitops_gate.checks.schema.wording import field_text, shown
from gitops_gate.errors import SchemaError, ToolError
from gitops_gate.findings import FieldPath, Severity
from gitops_gate.tools import clean_environment, clean_text, run

if TYPE_CHECKING:
    from gitops_gate.resources.values import Resource

_TIMEOUT = 300.0
_VALID = SchemaOutcome(known=True)
_FILE_TEMPLATE = "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json"
_NO_SCHEMA = "could not find schema"

# JSON allows these characters in strings, YAML does not; \u escapes are the same in both.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class KubeconformValidator:
    """Validates through kubeconform; see `gitops_gate.checks.interface.SchemaValidator`."""

    def __init__(self, embedded: EmbeddedValidator, command: str) -> None:
        self._embedded = embedded
        self._command = shlex.split(command)
        self._folder: Path | None = None
        self._maker = 0
        self._written: dict[str, KindKey] = {}
        self._version: str | None = None

    @property
    def tool(self) -> tuple[str, str]:
        """`kubeconform` and what `kubeconform -v` prints."""
        if self._version is None:
            done = run([*self._command, "-v"], timeout=30.0, environment=clean_environment())
            if done.code != 0:
                raise ToolError(f"kubeconform -v failed: {clean_text(done.stderr, limit=300)}")
            self._version = clean_text(done.stdout, limit=100)
        return "kubeconform", self._version

    def validate(self, resources: Sequence[Resource]) -> Sequence[SchemaOutcome]:
        """One outcome a resource, in order; see `SchemaValidator.validate`."""
        outcomes = [_VALID] * len(resources)
        asked: list[tuple[int, CompiledKind]] = []
        stream: list[bytes] = []
        for index, resource in enumerate(resources):
            kind = self._embedded.compiled(_key(resource))
            if not isinstance(kind, CompiledKind):
                defects = () if kind is None else (kind,)
                outcomes[index] = SchemaOutcome(known=kind is not None, defects=defects)
                continue
            if not self._write_schema(_key(resource), kind.schema):
                outcomes[index] = _refused(kind, "another kind differs from it only in case")
                continue
            stream.append(as_yaml(resource.value).encode())
            asked.append((index, kind))
        results = self._run(stream)
        _check_order([resources[index] for index, _ in asked], results)
        for (index, kind), result in zip(asked, results, strict=True):
            outcomes[index] = _outcome(resources[index], kind, result)
        return outcomes

    def close(self) -> None:
        """Remove the folder of schemas, unless another process made it."""
        if self._folder is not None and self._maker == os.getpid():
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None
        self._written.clear()

    def _write_schema(self, key: KindKey, schema: KindSchema) -> bool:
        """Write the schema of a kind once; false where another kind has the name of its file."""
        if self._folder is None or self._maker != os.getpid():
            self._folder, self._maker = _new_folder(), os.getpid()
            self._written.clear()
        name = _file_name(key)
        if name not in self._written:
            (self._folder / name).write_text(json.dumps(one_document(schema)))
            self._written[name] = key
        return self._written[name] == key

    def _run(self, documents: Sequence[bytes]) -> Sequence[Mapping[str, Any]]:
        if not documents:
            return []
        strict = ["-strict"] if self._embedded.library.strict else []
        template = f"{self._folder}/{_FILE_TEMPLATE}"
        done = run(
            [
                *self._command,
                *strict,
                *("-n", "1", "-verbose", "-output", "json", "-schema-location", template, "-"),
            ],
            timeout=_TIMEOUT,
            environment=clean_environment(),
            stdin=b"\n---\n".join(documents),
        )
        try:
            results: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["resources"]
        except (ValueError, KeyError, TypeError):
            said = clean_text(done.stderr or done.stdout, limit=500)
            raise ToolError(f"kubeconform gave no report (exit code {done.code}): {said}") from None
        return results


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="gitops-gate-schemas-"))


def one_document(schema: KindSchema) -> Mapping[str, Any]:
    """The schema of a kind as one document, its alternatives as branches of one `anyOf`."""
    documents = [alternative.document for alternative in schema.alternatives]
    if len(documents) == 1:
        return documents[0]
    definitions: dict[str, Any] = {}
    branches = []
    for document in documents:
        definitions |= document["$defs"]
        branches.append({key: document[key] for key in document if key[0] != "$" or key == "$ref"})
    return {"$schema": DIALECT, "anyOf": branches, "$defs": definitions}


def as_yaml(value: Mapping[str, Any]) -> str:
    """A resource as JSON on one line that a YAML reader reads alike."""
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _outcome(resource: Resource, kind: CompiledKind, result: Mapping[str, Any]) -> SchemaOutcome:
    status, message = result["status"], str(result.get("msg", ""))
    if status == "statusValid":
        return _VALID
    if message.startswith(_NO_SCHEMA):
        return _refused(kind, "kubeconform refuses it")
    explanation = kind.explain(resource)
    if explanation.defects or (explanation.violated and status == "statusInvalid"):
        return SchemaOutcome(known=True, defects=explanation.defects)
    return SchemaOutcome(known=True, defects=_own_words(resource, result))


def _refused(kind: CompiledKind, reason: str) -> SchemaOutcome:
    error = SchemaError(reason, path=kind.schema.alternatives[0].origin)
    return SchemaOutcome(known=True, defects=(unusable(kind.schema.label, error),))


def _own_words(resource: Resource, result: Mapping[str, Any]) -> tuple[Defect, ...]:
    """Kubeconform's own messages, at its own places; what a Secret holds is left out."""
    defects = []
    for error in result.get("validationErrors") or [{"path": "", "msg": result.get("msg", "")}]:
        field = _field(str(error.get("path", "")), resource.value)
        words = str(error.get("msg", ""))
        if is_secret_field(resource.value, field) or resource.value.get("kind") == "Secret":
            words = "is not what the schema asks for (the value is not shown)"
        defects.append(
            Defect(
                rule=RULE,
                severity=Severity.ERROR,
                message=f"{field_text(field)}: {shown(words, limit=300)} (kubeconform).",
                field=field,
            )
        )
    return tuple(dict.fromkeys(defects))


def _field(pointer: str, value: object) -> FieldPath:
    """The path that kubeconform writes as `/spec/containers/0`, with list indexes as numbers."""
    path: list[str | int] = []
    for part in pointer.split("/")[1:]:
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            path.append(int(part))
            value = value[int(part)]
        else:
            path.append(part)
            value = value.get(part) if isinstance(value, Mapping) else None
    return tuple(path)


def _check_order(resources: Sequence[Resource], results: object) -> None:
    """Refuse a report that does not answer, in order, for exactly what was asked."""
    if not isinstance(results, list) or len(results) != len(resources):
        count = len(results) if isinstance(results, list) else 0
        raise ToolError(f"kubeconform answered for {count} of {len(resources)} resources")
    for resource, result in zip(resources, results, strict=True):
        kind = result.get("kind")
        if kind and kind != resource.reference.kind:
            raise ToolError("kubeconform answered in another order than it was asked")


def _file_name(key: KindKey) -> str:
    """The name that the template gives: for the core group, kubeconform's group is the version."""
    group, _, version = key[0].rpartition("/")
    return f"{key[1].lower()}-{group or version}-{version}.json"


def _key(resource: Resource) -> KindKey:
    return resource.reference.api_version, resource.reference.kind
