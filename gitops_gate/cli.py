"""The command `gitops-gate`: arguments in, exit code out, no logic.

`--version` is answered before anything is imported, since it is asked in every CI job. What the
commands do is in `gitops_gate.commands`.
"""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code (contract, section 1)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--version"]:
        from gitops_gate import __version__

        sys.stdout.write(f"gitops-gate {__version__}\n")
        return 0
    from gitops_gate.commands import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
