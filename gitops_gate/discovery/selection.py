"""What the settings say about paths: which are looked at, and which environment each belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitops_gate.config.globs import matches, matches_any
from gitops_gate.config.settings import DEFAULT_ENVIRONMENT, ConfiguredApplication, Settings
from gitops_gate.discovery.references import ancestors, locate, parent

_GLOB_CHARACTERS = frozenset("*?[")


class Selection:
    """The settings that decide about paths, with answers remembered for each folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._include = settings.discovery.include
        self._exclude = settings.discovery.exclude
        self._includes_all = "**" in self._include
        self._excludes_files = tuple(
            pattern for pattern in self._exclude if not pattern.endswith(("**", "/"))
        )
        self._exclude_hints = tuple((pattern, _literal(pattern)) for pattern in self._exclude)
        self._excluded_folders: dict[str, bool] = {}
        self._environments: dict[str, str | None] = {}

    def selected(self, path: str) -> bool:
        """Whether discovery looks at a file: a pattern means a file, or all below a folder."""
        folder = parent(path)
        if self._folder_is_excluded(folder) or matches_any(self._excludes_files, path):
            return False
        return self._includes_all or any(
            matches(pattern.rstrip("/"), place)
            for pattern in self._include
            for place in (path, folder, *ancestors(folder))
        )

    def environment(self, path: str) -> str | None:
        """The first environment that matches an application's path; None for no match."""
        if path not in self._environments:
            found = (
                environment.name
                for environment in self._settings.environments
                if matches_any(environment.match, path)
            )
            self._environments[path] = next(found, None)
        return self._environments[path]

    def environment_or_default(self, path: str) -> str:
        """As `environment`, with the name of the environment of everything else."""
        return self.environment(path) or DEFAULT_ENVIRONMENT

    def _folder_is_excluded(self, folder: str) -> bool:
        known = self._excluded_folders
        waiting: list[str] = []
        while folder not in known:
            waiting.append(folder)
            if folder == ".":
                break
            folder = parent(folder)
        excluded = known.get(folder, False)
        for each in reversed(waiting):
            excluded = excluded or any(
                hint in each and matches(pattern.rstrip("/"), each)
                for pattern, hint in self._exclude_hints
            )
            known[each] = excluded
        return excluded


def _literal(pattern: str) -> str:
    """The longest segment that a path must hold as it is to match; a quick way to say no."""
    plain = (part for part in pattern.split("/") if _GLOB_CHARACTERS.isdisjoint(part))
    return max(plain, key=len, default="")


def is_glob(path: str) -> bool:
    """Whether the path of a configured application is a pattern."""
    return not _GLOB_CHARACTERS.isdisjoint(path)


def plain_path(path: str) -> str:
    """The path of a configured application in the form that discovery uses."""
    return locate(".", path.strip("/") or ".") or path


def configured(
    applications: Iterable[ConfiguredApplication], candidates: Iterable[str]
) -> Mapping[str, tuple[ConfiguredApplication, ...]]:
    """The entries of `applications` that speak of each directory.

    Entries that name it plainly come first, all of them; without such, the first pattern that
    matches it speaks alone.
    """
    found: dict[str, list[ConfiguredApplication]] = {}
    patterns: list[ConfiguredApplication] = []
    for entry in applications:
        if is_glob(entry.path):
            patterns.append(entry)
        else:
            found.setdefault(plain_path(entry.path), []).append(entry)
    for directory in candidates if patterns else ():
        if directory in found:
            continue
        for entry in patterns:
            if matches(entry.path.rstrip("/"), directory):
                found[directory] = [entry]
                break
    return {directory: tuple(entries) for directory, entries in found.items()}
