"""Where no CI says it: which repository this is, by the address of the remote `origin`.

The address names the repository, and never where the token is sent: that is pinned.
"""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import unquote, urlsplit

from gitops_gate.ci import Environment, Occasion
from gitops_gate.config.settings import ForgeSettings
from gitops_gate.errors import ConfigurationError
from gitops_gate.forges.values import ForgeKind

_SCP = re.compile(r"(?:[^@/:\s]+@)?([^@/:\s]+):(?!//)(.+)")
"""`git@host:group/project.git` (git-clone(1), "GIT URLS")."""
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
"""SSH over the HTTPS port has hosts of its own on both public forges."""
_PUBLIC: dict[str, ForgeKind] = {"github.com": "github", "gitlab.com": "gitlab"}


def from_origin(origin: str | None, pins: ForgeSettings, kind: str | None) -> Environment:
    """The environment of a person's machine.

    `kind` is given where the host does not tell. Raises `ConfigurationError` when the remote names
    no repository, is of another host than the pinned forge, or leaves the kind of forge open.
    """
    host, path = _parts(origin)
    pinned = urlsplit(pins.url).hostname if pins.url else None
    if pinned is None and host not in _PUBLIC:
        raise ConfigurationError(
            f"origin is at {host}, and no forge but {' and '.join(_PUBLIC)} is spoken to unless "
            "it is pinned",
            remedy="pin its address as forge.url, or say --forge-url URL",
        )
    if pinned is not None and host != pinned:
        raise ConfigurationError(
            f"origin is at {host}, and the forge that may be spoken to is {pinned}",
            remedy="correct forge.url or --forge-url, or the remote origin",
        )
    found = _kind(host, kind)
    return Environment(ci=found, event="by hand", occasion=Occasion.OTHER, repository=path)


def _parts(origin: str | None) -> tuple[str, str]:
    """The host and the repository's path of a remote's address."""
    if not origin:
        raise ConfigurationError(
            "the checkout has no remote origin that says which repository this is",
            remedy="git remote add origin URL",
        )
    if "://" in origin:
        try:
            host, path = urlsplit(origin).hostname or "", unquote(urlsplit(origin).path)
        except ValueError:
            host, path = "", ""
    else:
        found = _SCP.fullmatch(origin)
        host, path = (found[1].lower(), found[2]) if found else ("", "")
    path = path.strip("/").removesuffix(".git")
    if not host or "/" not in path:
        raise ConfigurationError("the remote origin is no address of a repository on a forge")
    return _SSH_HOSTS.get(host, host), path


def _kind(host: str, given: str | None) -> ForgeKind:
    known = _PUBLIC.get(host)
    if known is None and host.endswith(".ghe.com"):
        known = "github"
    if given is not None:
        if known not in (None, given):
            raise ConfigurationError(f"{host} is {known}, and not {given}")
        return cast(ForgeKind, given)
    words = set(re.split(r"[.-]", host))
    guessed = [kind for kind in _PUBLIC.values() if kind in words]
    if known is None and len(guessed) != 1:
        raise ConfigurationError(
            f"nothing says whether {host} is a GitHub or a GitLab", remedy="say it: --forge github"
        )
    return known or guessed[0]
