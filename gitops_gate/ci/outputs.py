"""What a step tells the CI: outputs for later steps and jobs, and a summary for people.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from gitops_gate.ci.values import Environment
from gitops_gate.errors import ConfigurationError

SUMMARY_LIMIT = 1024 * 1024
"""Bytes that one step's summary may have."""


def write_outputs(environment: Environment, outputs: Mapping[str, str]) -> None:
    """Set outputs of this step, where the CI has such a thing; values may be any text.

    Each value stands between delimiters that nobody can foresee. Raises `ConfigurationError`
    when the CI's file cannot be written.
    """
    lines = []
    for name, value in outputs.items():
        delimiter = f"gitops-gate-{secrets.token_hex(16)}"
        lines.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append(environment.output_file, "".join(lines))


def write_summary(environment: Environment, markdown: str) -> None:
    """Add to this step's summary, where the CI has one; nothing is written that does not fit.

    Raises `ConfigurationError` when the CI's file cannot be written.
    """
    if len(markdown.encode("utf-8", "replace")) <= SUMMARY_LIMIT:
        _append(environment.summary_file, markdown)


def _append(path: str | None, text: str) -> None:
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from None
