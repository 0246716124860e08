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
_UNKNOWN = SchemaOutcome(known=False)
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
        self._written: set[KindKey] = set()
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
        outcomes: list[SchemaOutcome] = []
        judged: list[tuple[int, Resource, CompiledKind]] = []
        for index, resource in enumerate(resources):
            kind = self._embedded.compiled(_key(resource))
            if kind is None:
                outcomes.append(_UNKNOWN)
                continue
            if isinstance(kind, Defect):
                outcomes.append(SchemaOutcome(known=True, defects=(kind,)))
                continue
            self._write_schema(_key(resource), kind.schema)
            outcomes.append(_VALID)
            judged.append((index, resource, kind))
        results = self._run([resource for _, resource, _ in judged])
        for (index, resource, kind), result in zip(judged, results, strict=True):
            outcomes[index] = _outcome(resource, kind, result)
        return outcomes

    def close(self) -> None:
        """Remove the folder of schemas."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            self._written.clear()

    def _write_schema(self, key: KindKey, schema: KindSchema) -> None:
        if key in self._written:
            return
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="gitops-gate-schemas-"))
        (self._folder / _file_name(key)).write_text(json.dumps(one_document(schema)))
        self._written.add(key)

    def _run(self, resources: Sequence[Resource]) -> Sequence[Mapping[str, Any]]:
        if not resources:
            return ()
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
            stdin="\n---\n".join(as_yaml(resource.value) for resource in resources).encode(),
        )
        try:
            results = json.loads(done.stdout)["resources"]
        except (ValueError, KeyError, TypeError):
            said = clean_text(done.stderr or done.stdout, limit=500)
            raise ToolError(f"kubeconform gave no report (exit code {done.code}): {said}") from None
        _check_order(resources, results)
        return results  # type: ignore[no-any-return]


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
        reason = SchemaError("kubeconform refuses it", path=kind.schema.alternatives[0].origin)
        return SchemaOutcome(known=True, defects=(unusable(kind.schema.label, reason),))
    explanation = kind.explain(resource)
    if explanation.defects or (explanation.violated and status == "statusInvalid"):
        return SchemaOutcome(known=True, defects=explanation.defects)
    return SchemaOutcome(known=True, defects=_own_words(resource, result))


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
