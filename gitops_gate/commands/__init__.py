"""The commands of `gitops-gate`, one module each, and what happens when one cannot go on.

Click reads the arguments; a command calls the pipeline and writes reports. Exit codes are those
of the contract: 0 allow, 1 deny, 2 indeterminate and every error, 3 pending, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Iterator

import click

from gitops_gate import __version__
from gitops_gate.errors import GitOpsGateError
from gitops_gate.tools import clean_text

_COMMANDS = {
    "check": "Compare two revisions and decide: the main job.",
    "scan": "Check a whole tree: a directory, one file, or a stream.",
    "review": "In CI: judge the change request, and publish the answer.",
    "publish": "In CI: publish the report of a job without privileges.",
    "approvals": "Say who must approve a change request, and who did.",
    "owners": "Say whom a path belongs to by CODEOWNERS, and why.",
    "deliver": "After a merge: verify, attest, move the delivery ref.",
    "revert": "Open the change request that undoes a landed step.",
    "ratify": "Open the one that lets delivery go past a held step.",
    "bump": "Open the one that brings another image, chart or value.",
    "verify": "Check the attestations of a commit, offline.",
    "audit": "Say where the forge's protection lets a change pass the gate by.",
    "render": "Print the rendered manifests of applications.",
    "blame": "Say which landed step brought a rendered value.",
    "rebuild": "Write all that an environment is, ordered for an empty cluster.",
    "policy": "List, explain, test and document the rules.",
    "init": "Write a configuration for what is in the repository.",
    "schema": "Print a JSON Schema: of the configuration or a report.",
    "completion": "Print the completion script of a shell.",
}
_ERROR_EXIT = 2
_INTERRUPTED = 130


class _LazyGroup(click.Group):
    """Imports a command's module when the command is called, and not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"gitops_gate.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], list(_COMMANDS), n=1)
            if not near:
                raise
            hint = f'{error.format_message()} Did you mean "{near[0]}"?'
            raise click.UsageError(hint, ctx) from None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="gitops-gate %(version)s")
def group() -> None:
    """Only approved, valid changes reach the cluster.

    Renders every application that a change affects, validates it against Kubernetes schemas and
    Rego policies, shows what really changes, and decides.

    \b
    Exit codes: 0 allow, 1 deny, 2 indeterminate or error, 3 pending approvals.
    """


def run(arguments: list[str]) -> int:
    """Run one command. Errors become one clear message on stderr and exit code 2."""
    try:
        with _interrupted_by_termination():
            result = group.main(args=arguments, prog_name="gitops-gate", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return _INTERRUPTED
    except click.ClickException as error:
        error.show(sys.stderr)
        return _ERROR_EXIT
    except GitOpsGateError as error:
        sys.stderr.write(f"gitops-gate: {clean_text(str(error))}\n")
        return _ERROR_EXIT
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit:
        # Click's answer to a reader of stdout that went away, with an exit code of its own.
        return _ERROR_EXIT
    except Exception as error:  # noqa: BLE001 - no traceback ever reaches a user, nor exit code 0
        return broken(error)
    return result if isinstance(result, int) else 0


@contextlib.contextmanager
def _interrupted_by_termination() -> Iterator[None]:
    """SIGTERM, as a cancelled CI job gets it, ends a run like an interrupt: nothing is left."""
    us = os.getpid()

    def interrupt(_: int, __: object) -> None:
        if os.getpid() != us:  # a worker that has not got a handler of its own yet
            os._exit(_INTERRUPTED)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def broken(error: Exception) -> int:
    """Say that something inside broke, with a traceback only where that is asked for; exit 2."""
    import traceback

    if os.environ.get("GITOPS_GATE_DEBUG"):
        traceback.print_exc()
    sys.stderr.write(
        f"gitops-gate: an error inside gitops-gate ({type(error).__name__}): the result is "
        "indeterminate. Set GITOPS_GATE_DEBUG=1 to see where, and please report it.\n"
    )
    return _ERROR_EXIT
