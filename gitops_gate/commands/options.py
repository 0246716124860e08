"""The options that several commands share, and what they become for the pipeline."""

from __future__ import annotations

import datetime
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from gitops_gate.attestations.keys import TrustedKey

_WIDTH = 100
Command = TypeVar("Command", bound=Callable[..., Any])

_REPOSITORY = (
    click.option(
        "--repo", default=".", metavar="DIR", help="The repository; default: around here."
    ),
)
_REPOSITORY_ID = click.option(
    "--repository-id",
    type=click.IntRange(min=1),
    metavar="ID",
    help="The repository's numeric id, instead of forge.repository_id.",
)
_NARROWING = (
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Try out this configuration instead of the repository's; the report says so.",
    ),
    click.option(
        "--application", "applications", multiple=True, metavar="NAME", help="Only this one."
    ),
    click.option(
        "--environment", "environments", multiple=True, metavar="NAME", help="Only this one."
    ),
)
_REPORTS = (
    click.option(
        "--format",
        "formats",
        multiple=True,
        metavar="FORMAT",
        help="text (default), json, markdown, html, sarif, junit, codequality or annotations; "
        "may be repeated, with --output.",
    ),
    click.option(
        "--output", "outputs", multiple=True, metavar="FILE", help="Where the --format goes."
    ),
    click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT=FILE",
        help="Write a report to a file as well; may be repeated.",
    ),
    click.option("--all", "show_all", is_flag=True, help="Show everything, older findings too."),
    click.option("--diff", is_flag=True, help="Show the rendered diff of every resource."),
    click.option(
        "--no-color", is_flag=True, help="No colour; the variable NO_COLOR does the same."
    ),
    click.option("--quiet", "-q", is_flag=True, help="Only the verdict and what led to it."),
    click.option("--verbose", "-v", is_flag=True, help="More detail."),
)
_RUNNING = (
    click.option(
        "--at",
        type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"]),
        metavar="TIME",
        help="The moment at which waivers and freezes are judged; default: now.",
    ),
    click.option(
        "--jobs", type=click.IntRange(min=1), metavar="N", help="Workers; default: processors."
    ),
    click.option("--offline", is_flag=True, help="Contact nothing, not even allowed remote bases."),
    click.option("--no-cache", is_flag=True, help="Keep nothing between runs."),
    click.option(
        "--cache-folder",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Keep here what was rendered, for later runs; default: the user's cache folder, and "
        "nothing in CI. What is in it is believed: only jobs that a protected branch defines may "
        "be able to write it.",
    ),
)
_FORGE = (
    *_REPOSITORY,
    click.option(
        "--number",
        type=click.IntRange(min=1),
        metavar="N",
        help="The change request; default: the one that the CI's event is about.",
    ),
    click.option(
        "--forge-url",
        metavar="URL",
        help="The forge's address, instead of what the target branch pins as forge.url. For jobs "
        "whose command line nobody but their owners can change.",
    ),
    _REPOSITORY_ID,
    click.option(
        "--artifact",
        metavar="NAME",
        help="The name under which the job keeps the full report, for the comment to say.",
    ),
    click.option(
        "--upload-sarif",
        is_flag=True,
        help="Hand the findings to GitHub's code scanning as well (security-events: write).",
    ),
    click.option(
        "--dry-run", is_flag=True, help="Print what would be published, and send nothing."
    ),
)


_ANYWHERE = (
    *_REPOSITORY,
    click.option(
        "--forge",
        type=click.Choice(["github", "gitlab"]),
        help="Which forge it is, where neither the CI nor the address says so.",
    ),
    click.option(
        "--forge-url",
        metavar="URL",
        help="The forge's address, instead of what the default branch pins as forge.url.",
    ),
    _REPOSITORY_ID,
)


_LOOK = (
    click.option(
        "--no-color", is_flag=True, help="No colour; the variable NO_COLOR does the same."
    ),
    click.option("--quiet", "-q", is_flag=True, help="No progress."),
)


def _added(options: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


narrowing_options = _added(_NARROWING)
"""What to look at instead of everything; `review` and `publish` take none of it."""
report_options = _added(_REPORTS)
"""Which reports to write, where, and how."""
running_options = _added(_RUNNING)
"""How to run the pipeline."""
forge_options = _added(_FORGE)
"""Which repository, change request and forge."""
form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
"""For an answer that has two forms."""
look_options = _added(_LOOK)
"""How an answer and its progress look in a terminal."""
anywhere_options = _added(_ANYWHERE)
"""Which repository and forge, for commands that only read and run outside of a CI as well."""


def shared(command: Command) -> Command:
    """Add the options that `check` and `scan` have in common."""
    return narrowing_options(report_options(running_options(command)))


def pipeline_options(arguments: dict[str, Any]) -> Any:
    """The arguments of a command as `gitops_gate.pipeline.Options`."""
    from gitops_gate.commands.progress import stage
    from gitops_gate.pipeline import Options
    from gitops_gate.reports import require_format

    for name, _ in destinations(arguments):
        require_format(name)
    at: datetime.datetime | None = arguments["at"]
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return Options(
        configuration=configuration_of(arguments.get("config")),
        applications=tuple(arguments.get("applications", ())),
        environments=tuple(arguments.get("environments", ())),
        at=at,
        jobs=arguments["jobs"],
        offline=arguments["offline"],
        cache_folder=None if arguments["no_cache"] else cache_folder(arguments.get("cache_folder")),
        stage=stage(quiet=arguments["quiet"]),
    )


def look_of(*, no_color: bool, terminal: bool) -> tuple[int, bool]:
    """How many columns there are, and whether in colour."""
    if not terminal:
        return _WIDTH, False
    plain = no_color or os.environ.get("NO_COLOR")
    return shutil.get_terminal_size().columns, not plain


def keys_in(files: Iterable[Path]) -> tuple[TrustedKey, ...]:
    """The public keys of files that options name. Raises `AttestationError`, naming the file."""
    from gitops_gate.attestations.keys import trusted_keys

    return tuple(key for file in files for key in trusted_keys(file.read_bytes(), str(file)))


def configuration_of(config: Path | None) -> tuple[str, bytes] | None:
    """What `--config` names, as the pipeline takes it."""
    return (config.name, config.read_bytes()) if config else None


def cache_folder(named: Path | None = None) -> str | None:
    """The folder that is named, else `$XDG_CACHE_HOME/gitops-gate`, made for the user alone.

    None where there is no default one to be had, and in CI: jobs that a change defines may run as
    the same user, and whoever writes to the folder decides what is seen. Raises
    `ConfigurationError` for a named folder that others can write to.
    """
    from gitops_gate.ci import detect

    if named is not None:
        return _own_folder(named)
    if detect(os.environ) is not None:
        return None
    root = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    folder = Path(root) / "gitops-gate"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid()
    except OSError:
        return None
    return str(folder) if writable else None


def _own_folder(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.stat()
    except OSError as error:
        raise ConfigurationError(f"cannot be made: {error.strerror}", path=str(folder)) from None
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        raise ConfigurationError(
            "others can write to this folder, and what is in it is believed",
            path=str(folder),
            remedy="make it the user's own: chmod go-w, or name another",
        )
    return str(folder)


def destinations(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """The reports asked for, as (format, file); the file "-" is stdout."""
    formats, outputs = list(arguments["formats"]), list(arguments["outputs"])
    if len(outputs) > len(formats):
        raise click.UsageError("each --output needs a --format before it")
    pairs = list(zip(formats, [*outputs, *["-"] * (len(formats) - len(outputs))], strict=True))
    for report in arguments["reports"]:
        name, separator, file = report.partition("=")
        if not separator or not file:
            raise click.UsageError(f"--report {report}: write it as FORMAT=FILE")
        pairs.append((name, file))
    if not any(file == "-" for _, file in pairs):
        pairs.insert(0, ("text", "-"))
    return pairs


def write_reports(report: Any, arguments: dict[str, Any], review: Any = None) -> int:
    """Write every report asked for and return the verdict's exit code.

    `review` is the `ReviewContext` of a report that is about a change request.

    Raises `ConfigurationError` for a format nobody knows or a file that cannot be written; a
    run whose report is lost has no verdict.
    """
    from gitops_gate.reports import ReportOptions, render_report

    for name, file in destinations(arguments):
        to_terminal = file == "-" and sys.stdout.isatty()
        width, color = look_of(no_color=arguments["no_color"], terminal=to_terminal)
        options = ReportOptions(
            color=color,
            width=width,
            all=arguments["show_all"],
            diff=arguments["diff"],
            verbose=arguments["verbose"],
            quiet=arguments["quiet"],
            review=review,
        )
        text = render_report(report, name, options=options)
        if file == "-":
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
            sys.stdout.flush()
            continue
        try:
            Path(file).write_text(text, "utf-8", errors="replace")
        except OSError as error:
            raise ConfigurationError(f"cannot write {file}: {error.strerror}") from None
    if ("text", "-") not in destinations(arguments):
        for warning in report.warnings:
            click.echo(f"gitops-gate: warning: {warning}", err=True)
    return int(report.verdict.exit_code)
