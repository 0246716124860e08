"""A report that another job made: what it is worth depends on who defined that job.

A digest that travelled through the outputs of a job of the same run proves that this is the
report that job made, and not one that was put in its place. If the change itself could define
the job, that proves nothing, and the report is information (design, invariant 7).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from gitops_gate.ci import Environment
from gitops_gate.errors import ConfigurationError
from gitops_gate.reports.reading import MAXIMUM_BYTES, read_report
from gitops_gate.verdict.values import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A report, whether a success may be derived from it, and why not.

    None where the job that should have made it left none.
    """

    report: Report | None
    certified: bool
    notes: tuple[str, ...] = ()


def file_digest(data: bytes) -> str:
    """`sha256:` and the digest of a report file, which one job hands to another."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_handed_over(path: Path, digest: str | None, environment: Environment) -> HandedOver:
    """The report in a file, as data of a stranger.

    Raises `ConfigurationError` when it cannot be read, is no report, or is not the one whose
    digest was handed over.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        return _without_report(path, digest, environment)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", path=str(path)) from None
    given = None if digest is None else digest.encode(errors="replace")
    if given is not None and not hmac.compare_digest(given, file_digest(data).encode()):
        raise ConfigurationError(
            "this is not the report whose digest was handed over", path=str(path)
        )
    report = read_report(data, path=str(path))
    if digest is None:
        note = "no digest was handed over: the report is information, and decides nothing"
        return HandedOver(report=report, certified=False, notes=(note,))
    if environment.defined_by_head:
        note = (
            f"the change itself can edit what runs on {environment.event!a}: the report is "
            "information, and decides nothing"
        )
        return HandedOver(report=report, certified=False, notes=(note,))
    return HandedOver(report=report, certified=True)


def _without_report(path: Path, digest: str | None, environment: Environment) -> HandedOver:
    """What a check leaves that crashed or ran out of time: no report, and nothing to compare.

    Raises `ConfigurationError` when a digest was handed over, since there was a report then.
    """
    if digest is not None:
        raise ConfigurationError(
            "there is no report, and a digest of one was handed over", path=str(path)
        )
    note = "the check left no report: nothing is decided"
    return HandedOver(report=None, certified=not environment.defined_by_head, notes=(note,))
