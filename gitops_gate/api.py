"""The public functions: what the commands do, without arguments, files, colours or exit codes.

Everything here is importable from `gitops_gate` itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from gitops_gate import pipeline
from gitops_gate.config import load_settings
from gitops_gate.config.settings import Settings
from gitops_gate.discovery.values import Application
from gitops_gate.errors import ConfigurationError, RenderError
from gitops_gate.pipeline import Options
from gitops_gate.render import Rendered
from gitops_gate.review import judging
from gitops_gate.source import open_repository, scan_tree
from gitops_gate.verdict.values import Report


def check(
    repository: str | os.PathLike[str],
    *,
    base: str | None = None,
    head: str = "HEAD",
    config: str | os.PathLike[str] | None = None,
    options: Options | None = None,
) -> Report:
    """Compare two revisions of a Git repository and decide.

    Without `base`, the merge base of the default branch and `head` is compared with. `config` is
    the path of a configuration to try out instead of the repository's own. `head` may be
    `worktree` or `staged`. Raises `GitOpsGateError` when there is nothing to compare or the
    deciding rules do not load; everything that goes wrong later is in the report.
    """
    with open_repository(repository) as opened:
        return pipeline.check(opened, base, head, _with_config(options, config))


def judge(
    repository: str | os.PathLike[str],
    *,
    base: str,
    head: str,
    options: Options | None = None,
) -> Report:
    """Decide about what would land, as `review` does: the merge of a target's tip and a head.

    `base` is the tip, and its rules decide; nothing is read from a forge. Programs run in a sandbox
    or not at all. A conflict, rules that do not load and the like are the report's reasons. Raises
    `SourceError` for a revision that is not there, and `ConfigurationError` for options that narrow
    the run or try out a configuration: those are for looking, with `check`.
    """
    with open_repository(repository) as opened:
        tip, proposed = opened.resolve(base), opened.resolve(head)
        return judging.judge(opened, tip, proposed, options or Options())


def scan(
    path: str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | None = None,
    options: Options | None = None,
) -> Report:
    """Evaluate everything in a directory (a Git checkout or not) or one file; all findings count.

    Raises `GitOpsGateError` when the rules in it do not load.
    """
    return pipeline.scan(scan_tree(path), _with_config(options, config))


def render(
    path: str | os.PathLike[str], *, head: str | None = None, options: Options | None = None
) -> Mapping[str, bytes]:
    """The rendered YAML stream of every application, by name; at `head`, or as the files are.

    Raises `RenderError` for the first application that cannot be rendered.
    """
    chosen = options or Options()
    if head is None:
        return _streams(pipeline.render_applications(scan_tree(path), chosen))
    with open_repository(path) as opened:
        return _streams(pipeline.render_applications(opened.revision(head).tree, chosen))


def load_config(path: str | os.PathLike[str]) -> Settings:
    """The settings in a configuration file. Raises `ConfigurationError`, with file and line."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", path=str(path)) from None
    return load_settings(data, path=str(path))


def _with_config(options: Options | None, config: str | os.PathLike[str] | None) -> Options:
    chosen = options or Options()
    if config is None:
        return chosen
    path = Path(config)
    try:
        return replace(chosen, configuration=(path.name, path.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", path=str(path)) from None


def _streams(rendered: Iterable[tuple[Application, Rendered]]) -> Mapping[str, bytes]:
    streams: dict[str, bytes] = {}
    for application, result in rendered:
        if result.failure is not None:
            failure = result.failure
            raise RenderError(
                f"{application.name}: {failure.message}",
                path=failure.path,
                line=failure.line,
                remedy=failure.remedy,
            )
        documents = (manifest.text.strip(b"\n") for manifest in result.manifests)
        streams[application.name] = b"".join(b"---\n%b\n" % text for text in documents)
    return streams
