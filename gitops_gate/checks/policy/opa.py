"""Open Policy Agent as the policy engine, through `opa-python-client`.

Either a server that is started here, on a loopback port of the system's choosing and stopped
again, or one that runs already (`policies.opa.url`), to which the policies are uploaded for the
time of the run. A generated driver module evaluates a whole batch of questions in one request.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import Defect, PolicyOutcome, PolicySubject
from gitops_gate.checks.policy.outcome import read_results
from gitops_gate.checks.policy.questions import Asked, Questions, input_document, resource_part
from gitops_gate.errors import ConfigurationError, PolicyError, ToolError
from gitops_gate.tools import Process, clean_environment, clean_text, end, start

if TYPE_CHECKING:
    from gitops_gate.checks.policy.library import RuleSet
    from gitops_gate.checks.policy.modules import Module

BATCH = 64
START_TIMEOUT = 20.0
REQUEST_TIMEOUT = 60.0
DRIVER = "gitops_gate_driver"


class OpaEngine:
    """Evaluates a rule set with OPA. See `gitops_gate.checks.interface.PolicyEngine`."""

    def __init__(self, rules: RuleSet, *, command: str = "opa", url: str | None = None) -> None:
        self._rules = rules
        self._questions = Questions(rules)
        self._process: Process | None = None
        self._uploaded: list[str] = []
        self._client: Any = None
        try:
            if url:
                self._client = _connect(url)
                self._await_ready(url)
            else:
                self._start(command)
            self._version = self._read_version()
            self._upload()
        except BaseException:
            self.close()
            raise

    @property
    def tool(self) -> tuple[str, str]:
        """`opa` and the server's version."""
        return "opa", self._version

    def evaluate(
        self, subjects: Sequence[PolicySubject], inventory: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyOutcome]:
        """One outcome a subject. Raises `PolicyError`; see the interface."""
        outcomes: list[PolicyOutcome] = []
        known = list(inventory) if self._rules.needs_inventory else []
        for first in range(0, len(subjects), BATCH):
            outcomes.extend(self._batch(subjects[first : first + BATCH], known))
        return outcomes

    def close(self) -> None:
        """Take back what was uploaded, and stop the server if it was started here."""
        if self._client is not None:
            for name in reversed(self._uploaded) if self._process is None else ():
                with contextlib.suppress(Exception):
                    self._client.delete_policy(name)
            self._client.close_connection()
            self._client = None
        self._uploaded = []
        if self._process is not None:
            end(self._process)
            self._process = None

    def _start(self, command: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        address = f"127.0.0.1:{port}"
        arguments = ["run", "--server", "--addr", address, "--log-level", "error"]
        self._process = start(
            [command, *arguments, "--skip-version-check"],
            environment=clean_environment(),
            discard_errors=True,
        )
        self._client = _connect(f"http://{address}")
        self._await_ready(command)

    def _await_ready(self, what: str) -> None:
        from opa_client.errors import ConnectionsError

        try:
            self._client.wait_for_ready(timeout=START_TIMEOUT, interval=0.02)
        except ConnectionsError:
            raise ToolError(
                f"the OPA server {what} did not answer within {START_TIMEOUT:g} s",
                remedy="check policies.opa.command or policies.opa.url",
            ) from None

    def _read_version(self) -> str:
        answer = self._request(
            lambda: self._client.ad_hoc_query("version := opa.runtime().version")
        )
        rows = answer.get("result") or [{}]
        return str(rows[0].get("version", "unknown"))

    def _upload(self) -> None:
        modules = {module.path: module.text for module in _in_order(self._rules.modules)}
        modules["driver.rego"] = _driver(self._rules)
        digest = hashlib.sha256(json.dumps(modules, sort_keys=True).encode()).hexdigest()[:16]
        for name, text in modules.items():
            identity = urllib.parse.quote(f"gitops-gate-{digest}-{name}", safe="").replace("%", "_")
            self._request(
                lambda text=text, identity=identity: self._client.update_policy_from_string(
                    text, identity, rego_compat=False
                ),
                name,
            )
            self._uploaded.append(identity)

    def _batch(
        self, subjects: Sequence[PolicySubject], inventory: Sequence[Mapping[str, Any]]
    ) -> list[PolicyOutcome]:
        questions: list[dict[str, Any]] = []
        asked: list[tuple[int, Sequence[Asked]]] = []
        for index, subject in enumerate(subjects):
            resource = resource_part(subject)
            for group in self._questions.plan(subject).groups:
                document = input_document(resource, subject, group.parameters)
                names = [one.rule.id for one in group.asked]
                questions.append({"input": json.loads(document), "rules": names})
                asked.append((index, group.asked))
        if not questions:
            return [PolicyOutcome() for _ in subjects]
        body = {"questions": questions, "inventory": list(inventory)}
        answer = self._request(
            lambda: self._client.query_rule(
                body, DRIVER, "answers", query_params={"strict-builtin-errors": "true"}
            )
        )
        return _outcomes(len(subjects), asked, answer.get("result"))

    def _request(self, action: Any, path: str | None = None) -> Any:
        import requests
        from opa_client.errors import RegoParseError

        try:
            return action()
        except RegoParseError as error:
            raise PolicyError(f"OPA refuses it: {_first_error(error)}", path=path) from None
        except requests.HTTPError as error:
            raise PolicyError(f"OPA: {_explain(error.response)}", path=path) from None
        except (requests.RequestException, ValueError) as error:
            raise ToolError(clean_text(f"the OPA server does not answer: {error}")) from None


def _in_order(modules: Sequence[Module]) -> list[Module]:
    """The modules, each after those whose functions it calls: OPA compiles what it has so far."""
    ordered: list[Module] = []
    waiting = list(modules)
    while waiting:
        missing = {module.package for module in waiting}
        ready = [one for one in waiting if not _refers(one, missing - {one.package})] or waiting
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    return ordered


def _refers(module: Module, packages: set[str]) -> bool:
    return any(
        use == package or use.startswith(f"{package}.")
        for use in module.uses
        for package in packages
    )


def _first_error(error: Any) -> str:
    """The first of the server's complaints about a policy, with its line."""
    details = [one for one in error.errors if isinstance(one, dict)]
    if not details:
        return clean_text(str(error.message))
    line = (details[0].get("location") or {}).get("row")
    return clean_text(f"{f'line {line}: ' if line else ''}{details[0].get('message')}")


def _connect(url: str) -> Any:
    from opa_client.opa import OpaClient

    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ConfigurationError(
            f"policies.opa.url: {clean_text(url)} is not the address of a server",
            remedy="write it as http://host:8181",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    client = OpaClient(
        host=host,
        port=parts.port or (443 if parts.scheme == "https" else 8181),
        ssl=parts.scheme == "https",
        timeout=REQUEST_TIMEOUT,
        retries=0,
    )
    # The gate talks to the address that it was given, whatever proxy the environment names.
    client._session.trust_env = False
    return client


def _driver(rules: RuleSet) -> str:
    """A module that answers many questions at once, each with its own `input`."""
    lines = [
        f"package {DRIVER}",
        "answers[index] := results if {",
        "\tsome index, question in input.questions",
        "\tresults := {rule: result |",
        "\t\tsome rule in question.rules",
        "\t\tresult := answer(rule, question.input, input.inventory)",
        "\t}",
        "}",
    ]
    for selected in rules.rules:
        name, query = json.dumps(selected.rule.id), selected.rule.query
        lines.append(
            f"answer({name}, document, inventory) := result if {{\n"
            f"\tresult := {query} with input as document with data.inventory as inventory\n}}"
        )
    if not rules.rules:
        lines.append("answer(_, _, _) := set() if false")
    return "\n".join(lines) + "\n"


def _outcomes(
    count: int, asked: Sequence[tuple[int, Sequence[Asked]]], answers: Any
) -> list[PolicyOutcome]:
    if not isinstance(answers, dict) or len(answers) != len(asked):
        raise PolicyError("OPA left questions unanswered")
    defects: list[list[Defect]] = [[] for _ in range(count)]
    evaluated: list[set[str]] = [set() for _ in range(count)]
    for position, (index, group) in enumerate(asked):
        for one in group:
            results = answers[str(position)].get(one.rule.id)
            defects[index].extend(read_results(one.rule, one.severity, results))
            evaluated[index].add(one.rule.id)
    return [
        PolicyOutcome(defects=tuple(found), evaluated=frozenset(names))
        for found, names in zip(defects, evaluated, strict=True)
    ]


def _explain(response: Any) -> str:
    """The server's own words for an error, with the place in the policy when it gives one."""
    try:
        content = response.json()
    except ValueError:
        return f"status {response.status_code}"
    errors = content.get("errors") or [content]
    first = errors[0]
    place = first.get("location") or {}
    where = f"{place.get('file')}:{place.get('row')}: " if place else ""
    return clean_text(f"{where}{first.get('message') or content.get('message')}")
