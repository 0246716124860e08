"""References to container images, as people, Kubernetes and Kustomize write them.

`registry.example.com:5000/team/app:1.2@sha256:…`: a repository, and a tag or a digest or both. The
grammar is that of github.com/distribution/reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPOSITORY = r"[A-Za-z0-9][\w.-]*(?::[0-9]+(?=/))?(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
_REFERENCE = re.compile(
    rf"(?P<repository>{_REPOSITORY})"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?",
    re.ASCII,
)
_DOCKER_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """A reference. `tag` and `digest` are None where it has none."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        """The reference as Kubernetes reads it."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def version(self) -> tuple[str | None, str | None]:
        """The tag and the digest."""
        return self.tag, self.digest


def parse_reference(text: str) -> ImageReference | None:
    """The reference that a text is; None for anything else."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    return ImageReference(repository=found["repository"], tag=found["tag"], digest=found["digest"])


def same_repository(one: str, other: str) -> bool:
    """Whether two names are of one repository: `nginx` is `docker.io/library/nginx`."""
    return _plain(one) == _plain(other)


def _plain(repository: str) -> str:
    for prefix in _DOCKER_HUB:
        if repository.startswith(prefix):
            return repository.removeprefix(prefix)
    return repository.removeprefix("library/")
