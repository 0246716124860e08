"""Checks a configuration, or a list beside it, against its JSON Schema, in words for its author.

All problems of a file are told at once, each with its line and column, the key, and what is
allowed there. The schemas are the files in `schema/` (JSON Schema, draft 2020-12); their `title`
and `description` are the reference, their `patternErrorMessage` (which editors know too) says what
a pattern wants, and the formats that start with `gitops-gate-` are checked by functions here.
"""

from __future__ import annotations

import datetime
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gitops_gate.config.durations import long_seconds, seconds
from gitops_gate.config.globs import check_glob, check_path
from gitops_gate.config.refs import check_branch, check_branches, check_target
from gitops_gate.config.times import check_schedule, check_timezone, moment
from gitops_gate.config.wording import Problem, explain, place_of
from gitops_gate.documents import Limits, RawDocument, load_document, split_stream
from gitops_gate.errors import ConfigurationError, ManifestError

if TYPE_CHECKING:
    from jsonschema import FormatChecker

LIMITS = Limits(max_bytes=1_000_000, max_documents=10, max_nodes=100_000, max_aliases=10_000)
"""What a configuration or waiver file may hold."""

MAXIMUM_PROBLEMS = 50
"""Problems that are told of one file."""

_MAXIMUM_SEARCHED = 2_000_000
"""Bytes that are searched for the places of problems, each search going over the whole file."""


SchemaName = Literal["configuration", "waivers", "ratifications"]


@cache
def published_schema(name: SchemaName) -> dict[str, Any]:
    """One of the JSON Schemas of this room, as data."""
    text = Path(__file__).with_name("schema").joinpath(f"{name}.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_document(data: bytes, path: str) -> tuple[RawDocument | None, object]:
    """The only document of a file and its value; None and None for an empty file.

    Raises `ConfigurationError` when it is not YAML, or is several documents.
    """
    try:
        documents = split_stream(data, LIMITS)
        if not documents:
            return None, None
        if len(documents) > 1:
            raise ConfigurationError(
                "a second document starts here; the file must be one",
                path=path,
                line=documents[1].line,
            )
        document = documents[0]
        value = load_document(document.text, limits=LIMITS, first_line=document.line)
    except ManifestError as error:
        raise ConfigurationError(
            error.message, path=path, line=error.line, column=error.column, remedy=error.remedy
        ) from None
    return document, value


def check(
    value: object,
    document: RawDocument,
    path: str,
    schema: SchemaName,
    meaning: Callable[[Any], Iterable[Problem]] | None = None,
) -> None:
    """Raise one `ConfigurationError` that tells all problems of a file, in the order of its lines.

    `meaning` finds what no schema can say; it is asked only about what the schema accepts.
    """
    told = max(3, min(MAXIMUM_PROBLEMS, _MAXIMUM_SEARCHED // len(document.text)))
    problems = [*islice(_schema_problems(value, document, schema), told + 1)]
    if not problems and meaning is not None:
        problems = [*islice(meaning(value), told + 1)]
    if not problems:
        return
    placed = sorted(
        {(*place_of(document, problem), problem.message) for problem in problems[:told]}
    )
    lines = [f"{path}:{line}:{column}: {message}" for line, column, message in placed]
    if len(problems) > told:
        lines.append("and more problems, which are told when these are mended")
    line, column, message = placed[0]
    raise ConfigurationError("\n".join([message, *lines[1:]]), path=path, line=line, column=column)


def _schema_problems(value: object, document: RawDocument, name: SchemaName) -> Iterator[Problem]:
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(published_schema(name), format_checker=_format_checker())
    for error in validator.iter_errors(value):
        yield from explain(error, document)


@cache
def _format_checker() -> FormatChecker:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, function in _FORMATS.items():
        checker.checks(f"gitops-gate-{name}", raises=ValueError)(_for_text(function))
    return checker


def _for_text(function: Callable[[str], object]) -> Callable[[object], bool]:
    def checked(value: object) -> bool:
        if isinstance(value, str):
            function(value)
        return True

    return checked


def _check_command(command: str) -> None:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"a command is written as in a shell: {error}") from None
    if not words or not words[0] or "\0" in command:
        raise ValueError("a command must not be empty")


def _check_date(text: str) -> None:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date is written YYYY-MM-DD, and must exist") from None


_FORMATS: dict[str, Callable[[str], object]] = {
    "branch": check_branch,
    "branches": check_branches,
    "command": _check_command,
    "date": _check_date,
    "duration": seconds,
    "glob": check_glob,
    "long-duration": long_seconds,
    "moment": moment,
    "path": check_path,
    "schedule": check_schedule,
    "target": check_target,
    "timezone": check_timezone,
}
