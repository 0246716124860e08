"""One open way to one remote repository, and nothing else that Git could reach or run.

A Git process that speaks to a remote gets exactly one protocol and one host. Its configuration is
our own (it runs in the scratch repository, so neither the user's nor a checkout's counts): no
credential helper, proxy, cookie, hook, submodule or address rewriting; HTTP redirects are not
followed; `ssh` reads a file of ours and asks nobody.

The password goes to Git as the variable `http.<host>.extraHeader` in the environment of that one
process. An environment can be read by the same user alone, who could read our own as well; the
command line by everybody, and a helper or a file would leave the secret on disk when the process
is killed. It is bound to the host, so that no other one is ever sent it. Variables: git(1),
"Environment variables"; `GIT_CONFIG_COUNT`: git-config(1), "ENVIRONMENT".
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.source.git import encode, run_git
from gitops_gate.source.paths import shown
from gitops_gate.tools import Completed, clean_text

if TYPE_CHECKING:
    from gitops_gate.source.remote_values import RemoteAddress

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
_SHORTHAND = re.compile(r"(?P<host>[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*):(?P<path>[^:\s-]\S*)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_][\w.-]*")
_FORMS = "write https://HOST/PATH, ssh://git@HOST/PATH, git@HOST:PATH or the path of a folder"

_SETTINGS = {
    "core.askPass": "",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.cookieFile": "/dev/null",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "http.saveCookies": "false",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "transfer.fsckObjects": "true",
}

# What old but ordinary repositories hold and Git reads without harm (git-fsck(1), "FSCK
# MESSAGES"). What could mislead a checkout (.git in a tree, duplicate entries) stays an error.
_OLD_HABITS = (
    "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "gitmodulesName",
    "gitmodulesParse", "gitmodulesPath", "gitmodulesUpdate", "gitmodulesUrl", "missingEmail",
    "missingNameBeforeEmail", "missingSpaceBeforeDate", "missingSpaceBeforeEmail",
    "missingTaggerEntry", "multipleAuthors", "zeroPaddedDate", "zeroPaddedFilemode",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A checked address: as Git takes it, the protocol, and what must never be shown."""

    url: str
    protocol: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    ssh_configuration: str = field(default="", repr=False)

    def run(
        self, arguments: tuple[str, ...], *, folder: str, timeout: float, stdin: bytes = b""
    ) -> Completed:
        """Run one Git command that may speak to this remote, for at most `timeout` seconds.

        `folder` is a scratch repository, or an empty folder for what needs none. Raises
        `SourceError` when Git is missing or out of time.
        """
        configuration = Path(folder, "ssh_config")
        if self.ssh_configuration:
            configuration.write_bytes(encode(self.ssh_configuration))
        settings = _SETTINGS | {f"fetch.fsck.{name}": "ignore" for name in _OLD_HABITS}
        settings[f"protocol.{self.protocol}.allow"] = "always"
        if self.protocol == "http":
            settings["http.proxy"] = ""
        return run_git(
            arguments,
            git_dir=folder,
            stdin=stdin,
            timeout=timeout,
            settings=settings,
            environment={
                "GIT_ALLOW_PROTOCOL": self.protocol,
                "GIT_SSH_COMMAND": f"ssh -F {shlex.quote(str(configuration))}",
                "GIT_SSH_VARIANT": "ssh",
                **self.environment,
            },
        )

    def words(self, raw: bytes, limit: int = 800) -> str:
        """What Git or the server says, cleaned, and without a secret that a server repeats."""
        text = raw.decode("utf-8", "replace")
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return clean_text(text, limit=limit)


def open_channel(address: RemoteAddress) -> Channel:
    """Check an address and what opens it.

    Raises `ConfigurationError`, which shows no secret, for an address of another kind, one with a
    password in it, and one that is no address at all.
    """
    url = address.url
    if not url or url.startswith("-") or not url.isprintable() or "\\" in url:
        raise _refused(url, "is no address of a repository")
    if url.startswith(("/", "./", "../")):
        return _folder(str(Path(url).absolute()))
    if shorthand := _SHORTHAND.fullmatch(url):
        return _ssh(address, f"ssh://{shorthand['host']}/", url)
    if re.match(r"[A-Za-z0-9+.-]+::", url):
        raise _refused(url, "names a program that speaks to the repository")
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        raise _refused(url, "is no address of a repository") from None
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise _refused(url, "holds a user name or a password", "give them apart from the address")
    if parts.query or parts.fragment or " " in url:
        raise _refused(url, "is no address of a repository")
    if parts.scheme == "file" and not parts.netloc:
        return _folder(parts.path, quoted=True)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if _HOST.fullmatch(host) is None or not parts.path.strip("/"):
        raise _refused(url, "names no host or no repository")
    if parts.scheme == "ssh":
        return _ssh(address, url, url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return _http(address, parts.scheme, f"{parts.scheme}://{host}{port}", parts.path)
    raise _refused(url, "is reached by a protocol that is not allowed")


def check_ref(ref: str) -> None:
    """Raise `SourceError` unless `ref` is a full ref name (git-check-ref-format(1))."""
    plain = ref.startswith("refs/") and ref.isprintable()
    if not plain or run_git(("check-ref-format", ref)).code:
        raise SourceError(f"{shown(ref)!r} is not the full name of a ref, such as refs/heads/main")


def _folder(path: str, *, quoted: bool = False) -> Channel:
    return Channel(url="file://" + (path if quoted else quote(encode(path))), protocol="file")


def _http(address: RemoteAddress, scheme: str, origin: str, path: str) -> Channel:
    environment = _trusted_authorities() | {
        name: os.environ[name] for name in _PROXIES if scheme == "https" and name in os.environ
    }
    secrets: tuple[str, ...] = ()
    if address.password is not None:
        user = address.username or "gitops-gate"
        if not address.password or not f"{user}{address.password}".isprintable() or ":" in user:
            raise ConfigurationError("the user name or the password cannot be sent by HTTP")
        encoded = base64.b64encode(f"{user}:{address.password}".encode()).decode("ascii")
        secrets = (encoded, quote(address.password, safe=""), address.password)
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{origin}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {encoded}",
        }
    url = f"{origin}{path}"
    return Channel(url=url, protocol=scheme, environment=environment, secrets=secrets)


def _trusted_authorities() -> dict[str, str]:
    """The certificate authorities that the forge's API is read with, for Git as well."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    if not bundle:
        return {}
    return {"GIT_SSL_CAPATH" if Path(bundle).is_dir() else "GIT_SSL_CAINFO": bundle}


def _ssh(address: RemoteAddress, place: str, given: str) -> Channel:
    """The channel for `given`, which reaches the host and the user of `place`."""
    parts = urlsplit(place)
    host = (parts.hostname or "").strip("[]")
    if parts.username is not None and _USER.fullmatch(parts.username) is None:
        raise _refused(given, "names no user")
    if _HOST.fullmatch(host) is None and ":" not in host:
        raise _refused(given, "names no host")
    key, hosts = address.ssh_key, address.ssh_known_hosts
    lines = [
        "BatchMode yes",
        "ClearAllForwardings yes",
        "ConnectTimeout 30",
        "ControlMaster no",
        "ControlPath none",
        "ForwardAgent no",
        "IdentitiesOnly yes",
        "IdentityAgent none",
        f"IdentityFile {_ssh_path(key) if key else 'none'}",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitLocalCommand no",
        "ServerAliveInterval 15",
        "StrictHostKeyChecking yes",
        "UpdateHostKeys no",
    ]
    if hosts:
        lines += [f"UserKnownHostsFile {_ssh_path(hosts)}", "GlobalKnownHostsFile /dev/null"]
    return Channel(
        url=given,
        protocol="ssh",
        secrets=(key,) if key else (),
        ssh_configuration="".join(f"{line}\n" for line in lines),
    )


def _ssh_path(path: str) -> str:
    """A path as ssh_config(5) takes it, tokens and variables in it meaning nothing."""
    if not path.isprintable() or any(sign in path for sign in '"\\$~'):
        raise ConfigurationError("the path of an SSH key or of known hosts holds a special sign")
    return '"' + str(Path(path).absolute()).replace("%", "%%") + '"'


def _refused(url: str, why: str, remedy: str = _FORMS) -> ConfigurationError:
    """The error for an address; whatever stands before an @ could be a secret, and is left out."""
    plain = re.sub(r"(?s)\A([\w+.-]*://)?.*@", r"\1***@", url)
    return ConfigurationError(f"the address {shown(plain)!r} {why}", remedy=remedy)
