"""The exceptions that gitops-gate raises on purpose, and nothing else.

Everything that a caller may want to catch derives from `GitOpsGateError`:

    GitOpsGateError
    ├── ConfigurationError    our own configuration, a waiver file or an option is wrong
    ├── SourceError           Git: unknown revision, shallow history, an object that is missing
    │   ├── UnsafePathError   a link or a name that leaves its tree
    │   └── MergeConflictError  the change and its target cannot be merged
    ├── ManifestError         a YAML stream that Kubernetes would not read, with line and column
    ├── RenderError           an application that could not be rendered, with the tool's message
    ├── PolicyError           a policy that does not load, or fails while it is evaluated
    ├── SchemaError           a schema that does not load
    ├── AttestationError      an attestation, a key or a chain of them is not what it must be
    ├── ToolError             a subprocess is missing, failed, or ran out of time
    ├── ForgeError            a forge refused, failed, or answered what cannot be true
    └── InternalError         a stage broke; always becomes an indeterminate verdict

Each carries what is needed to say what happened, where, and how to mend it. This room is below
every other one: it imports nothing of the package.
"""

from __future__ import annotations


class GitOpsGateError(Exception):
    """Base of every error that gitops-gate raises deliberately.

    `message` says what is wrong; `path` and `line` (1-based) say where, when a file is at fault;
    `remedy` says how to mend it, when that is known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.remedy = remedy

    def __str__(self) -> str:
        """`path:line:column: message (remedy)`, leaving out what is not known."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.remedy})" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword-only fields when an error crosses a process boundary."""
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))


def _rebuild(
    kind: type[GitOpsGateError], message: str, fields: dict[str, object]
) -> GitOpsGateError:
    error = kind(message)
    error.__dict__.update(fields)
    return error


class ConfigurationError(GitOpsGateError):
    """The configuration, a waiver file or a command-line option cannot be used as it is."""


class SourceError(GitOpsGateError):
    """Git cannot give what was asked for: a revision, an object, enough history."""


class UnsafePathError(SourceError):
    """A path or a symbolic link that would leave the tree it belongs to."""


class MergeConflictError(SourceError):
    """The change and its target cannot be merged, so nothing of it could land."""


class ManifestError(GitOpsGateError):
    """A YAML stream that Kubernetes would not read, or that exceeds a limit.

    `line` and `column` are 1-based and count from the start of the stream.
    """


class RenderError(GitOpsGateError):
    """An application could not be rendered; `message` holds the tool's own words, cleaned.

    `code` is the rule id of the finding that it becomes, for example `render/remote-base`.
    """

    code = "render/failed"


class PolicyError(GitOpsGateError):
    """A policy does not load, uses what is not allowed, or failed while it was evaluated."""


class SchemaError(GitOpsGateError):
    """A schema, or a CustomResourceDefinition used as one, does not load."""


class AttestationError(GitOpsGateError):
    """An attestation, a key or a chain of attestations is missing or not what it must be.

    `refuted`: it was read and is wrong (a signature, a digest), as against could not be checked.
    """

    refuted: bool = False


class ToolError(GitOpsGateError):
    """A subprocess is missing, failed or ran out of time."""


class ForgeError(GitOpsGateError):
    """A forge refused a request, failed, or answered with something that cannot be true.

    `status` is the HTTP status of its answer, None when there was none. `uncertain`: a request
    that writes was sent, and the server may have acted on it; read before writing again.
    """

    status: int | None = None
    uncertain: bool = False


class InternalError(GitOpsGateError):
    """A stage broke in a way nobody planned for; the verdict is indeterminate."""
