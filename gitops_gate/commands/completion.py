"""`gitops-gate completion`: the script that teaches a shell to complete the command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the completion script of a shell; put it where the shell reads such scripts.

    \b
    Example: gitops-gate completion bash > ~/.local/share/bash-completion/completions/gitops-gate
    """
    complete = get_completion_class(shell)
    assert complete is not None
    root = context.find_root().command
    click.echo(complete(root, {}, "gitops-gate", "_GITOPS_GATE_COMPLETE").source())
    return 0
