"""What a step tells the CI: outputs for later steps and jobs, and a summary for people.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from gitops_gate.ci.values import Environment
from gitops_gate.errors import ConfigurationError


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
    """Add to this step's summary, where the CI has one.

    Raises `ConfigurationError` when the CI's file cannot be written.
    """
    _append(environment.summary_file, markdown)


def summary_size(environment: Environment) -> int:
    """How many bytes this step's summary has already; 0 where there is none."""
    try:
        return (
            Path(environment.summary_file or "").stat().st_size if environment.summary_file else 0
        )
    except OSError:
        return 0


def _append(path: str | None, text: str) -> None:
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from None
