"""Tells a job what a delivery did: for later steps, and for people.

    delivered.py DELIVERY.JSON

Prints the commit that is delivered now (nothing where refs are at different ones, or nowhere yet).
On GitHub the run's summary gets a table. It needs the package beside it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gitops_gate.reports.escaping import markdown, markdown_code

_LONGEST = 600
_SHORT = 12


def main(delivery: Path) -> None:
    """Print what is asked for, and add to the summary."""
    deliveries = json.loads(delivery.read_text("utf-8"))["deliveries"]
    sys.stdout.write(f"{_delivered(deliveries)}\n")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write("\n".join(_summary(deliveries)) + "\n")


def _delivered(deliveries: Sequence[dict[str, Any]]) -> str:
    """The commit that all refs carry, and not one that a dry run only speaks of."""
    there = {
        one["commit"] if one["after"] and one["outcome"] != "dry-run" else "" for one in deliveries
    }
    return there.pop() if len(there) == 1 else ""


def _summary(deliveries: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "| delivery ref | | commit | |", "|---|---|---|---|")
    for one in deliveries:
        hold = one["hold"]
        why = ""
        if hold:
            code, short = markdown_code(hold["code"]), markdown_code(hold["commit"][:_SHORT])
            why = f"{short} {code}: {markdown(hold['message'], _LONGEST)}"
        commit = markdown_code(one["commit"][:_SHORT]) if one["commit"] else ""
        yield f"| {markdown_code(one['ref'])} | {one['outcome']} | {commit} | {why} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
