"""`python -m gitops_gate` is the command `gitops-gate`."""

from __future__ import annotations

import sys

from gitops_gate.cli import main

sys.exit(main())
