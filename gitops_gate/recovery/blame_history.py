"""An application along the first-parent history of a branch: where it is, and what it renders to.

Walked backwards. A step matters only when it touches the application: a file of its closure, or
how it is discovered. Most steps are told apart by the names of what they change; that shortcut is
never believed for an answer, `blame` renders both sides of the step that it names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gitops_gate.config import CONFIGURATION_PATH, load_settings
from gitops_gate.config.settings import Settings
from gitops_gate.discovery import Discovery, FactCache, discover, discover_pair
from gitops_gate.discovery.values import Closure
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.evaluation.selection import side_of, tasks_of
from gitops_gate.evaluation.values import Side
from gitops_gate.render import RenderCache, fetch_remotes, render
from gitops_gate.render.values import VolatileField
from gitops_gate.resources.read import DocumentMemo, read_resources
from gitops_gate.resources.values import Resource, ResourceKey
from gitops_gate.source import Tree
from gitops_gate.source.commits import CommitFacts, read_commit
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.listing import list_tree

if TYPE_CHECKING:
    from gitops_gate.pipeline import Options
    from gitops_gate.source import Repository

_STRUCTURE = ("kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml")
_SPECIAL = ("120000", "160000")
_AGENTS = (b"argoproj.io", b"toolkit.fluxcd.io")
_PATTERNS = b"ApplicationSet"
_MANIFESTS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What an application is in the cluster at one commit; `problem` says why it is not known."""

    resources: tuple[Resource, ...] = ()
    volatile: tuple[VolatileField, ...] = ()
    problem: str | None = None


NOTHING = Rendering()
"""What an application is where it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An application at one commit of the history.

    `side` is None where it is not there. `problem` says why nothing can be known about it, such as
    a configuration that does not load; `settings` are then those of the commit after it.
    """

    commit: CommitFacts
    name: str
    settings: Settings
    side: Side | None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From a commit to its first parent. `after` is the commit's own place, looked up anew.

    `touched` is whether the application may render to something else.
    """

    before: Place
    after: Place
    touched: bool


@dataclass(frozen=True, slots=True)
class _Changed:
    """A path that differs between two commits, with the blobs of both sides."""

    path: str
    special: bool
    blobs: tuple[str, ...]


class History:
    """Reads and renders one application at the commits of a repository."""

    def __init__(self, repository: Repository, options: Options) -> None:
        self._repository = repository
        self._options = options
        folder = options.cache_folder
        self._facts = FactCache(folder) if folder else None
        self._renders = RenderCache(folder=f"{folder}/rendered") if folder else None
        self._documents = DocumentMemo()
        self._trees: dict[str, Tree] = {}
        self._programs: Settings | None = None
        self.rendered = 0
        """How often something was rendered, from the cache or not."""

    @property
    def remedy(self) -> str | None:
        """How to get more history, where it was not fetched to its start."""
        location = self._repository.location
        return location.remedy if location.shallow else None

    def tip(self, name: str, revision: str) -> Place:
        """The application at the start of the walk, by whose settings programs are called.

        Raises `ConfigurationError` when there is no such application, `SourceError` for the
        revision.
        """
        commit = read_commit(self._repository, revision)
        settings = self._settings(commit)
        self._programs = settings
        discovery = discover(self._tree(commit), settings, cache=self._facts)
        if name not in discovery.applications:
            import difflib

            near = difflib.get_close_matches(name, discovery.applications, n=1)
            remedy = f"did you mean {near[0]}?" if near else "gitops-gate render --list names all"
            raise ConfigurationError(f"{name}: no such application", remedy=remedy)
        side = side_of(name, discovery, self._tree(commit))
        return Place(commit=commit, name=name, settings=settings, side=side)

    def before(self, place: Place, *, thorough: bool, also: Side | None = None) -> Step:
        """The step that led to a place, from its commit's first parent, which must be there.

        Where the place cannot be rendered, its files say little: a step counts as well that
        changes one of `also`, the application as it is at the next commit that can be.
        `thorough` looks at every step; otherwise those are passed over whose changed files are
        none of the application's and do not look as if discovery minded them.
        Raises `SourceError` when the parent is not in the repository.
        """
        parent = read_commit(self._repository, place.commit.parents[0])
        changed = self._changed(parent, place.commit)
        paths = frozenset(each.path for each in changed)
        concerned = also is not None and not paths.isdisjoint(also.closure.files)
        quick = not thorough and not concerned
        if quick and place.side is not None and not self._concerns(changed, place.side):
            return Step(before=replace(place, commit=parent), after=place, touched=False)
        try:
            anew = CONFIGURATION_PATH in paths or place.problem is not None
            settings = self._settings(parent) if anew else place.settings
            step = self._step(place, parent, settings, paths)
            return replace(step, touched=step.touched or concerned)
        except ConfigurationError as error:
            before = replace(place, commit=parent, side=None, problem=str(error))
            return Step(before=before, after=place, touched=True)

    def here(self, place: Place) -> Place:
        """The same place, looked up in its own tree. Raises `ConfigurationError`."""
        discovery = discover(self._tree(place.commit), place.settings, cache=self._facts)
        return replace(place, side=side_of(place.name, discovery, self._tree(place.commit)))

    def rendering(self, place: Place) -> Rendering:
        """What the application is at a place."""
        if place.problem is not None:
            return Rendering(problem=place.problem)
        return NOTHING if place.side is None else self._rendering(place.side, place.settings)

    def _step(
        self, place: Place, parent: CommitFacts, settings: Settings, changed: Collection[str]
    ) -> Step:
        trees = self._tree(parent), self._tree(place.commit)
        if settings == place.settings:
            one, two = discover_pair(*trees, settings, self._facts)
        else:
            one = discover(trees[0], settings, other=trees[1], cache=self._facts)
            two = discover(trees[1], place.settings, other=trees[0], cache=self._facts)
        name = self._earlier_name(place, (one, trees[0]), (two, trees[1]), settings)
        before = Place(
            commit=parent, name=name, settings=settings, side=side_of(name, one, trees[0])
        )
        after = replace(place, side=side_of(place.name, two, trees[1]), problem=None)
        same = settings == place.settings and _same(before.side, after.side, changed)
        return Step(before=before, after=after, touched=not same or place.problem is not None)

    def _earlier_name(
        self,
        place: Place,
        before: tuple[Discovery, Tree],
        after: tuple[Discovery, Tree],
        settings: Settings,
    ) -> str:
        """What the application was called before, if it moved in this step."""
        gone = before[0].applications.keys() - after[0].applications.keys()
        if place.name in before[0].applications or place.name not in after[0].applications:
            return place.name

        def keys_of(sides: Sequence[Side]) -> list[frozenset[ResourceKey]]:
            renderings = (self._rendering(side, settings) for side in sides)
            return [frozenset(r.key for r in rendering.resources) for rendering in renderings]

        tasks = tasks_of({place.name, *gone}, before, after, keys_of)
        moved = next((task.moved_from for task in tasks if task.name == place.name), None)
        return moved or place.name

    def _rendering(self, side: Side, settings: Settings) -> Rendering:
        assert self._programs is not None
        programs = self._programs.render
        self.rendered += 1
        with tempfile.TemporaryDirectory(prefix="gitops-gate-") as scratch:
            remotes = {}
            if side.closure.remotes and programs.allow_remote:
                folder = str(Path(self._options.cache_folder or scratch) / "remotes")
                offline = self._options.offline
                remotes = dict(fetch_remotes([side.closure], programs, folder, offline=offline))
            rendered = render(
                side.application,
                side.closure,
                side.tree,
                programs,
                kubernetes=settings.kubernetes(side.application.environment),
                cache=self._renders,
                require_sandbox=self._options.require_sandbox,
                remotes=remotes,
            )
        if rendered.failure is not None:
            return Rendering(problem=rendered.failure.message)
        read = read_resources(rendered.manifests, self._documents)
        if read.unreadable:
            return Rendering(problem=read.unreadable[0].message)
        return Rendering(resources=read.resources, volatile=rendered.volatile)

    def _settings(self, commit: CommitFacts) -> Settings:
        if self._options.configuration is not None:
            name, content = self._options.configuration
            return load_settings(content, path=name)
        tree = self._tree(commit)
        if CONFIGURATION_PATH not in tree.entries:
            return Settings()
        return load_settings(tree.read(CONFIGURATION_PATH))

    def _tree(self, commit: CommitFacts) -> Tree:
        """A commit's tree. Those of two steps are kept: listings of a long walk fill memory."""
        blobs = self._repository.blobs
        known = self._trees.get(commit.tree)
        if known is None:
            entries = list_tree(blobs.git_dir, commit.tree, remedy=blobs.remedy)
            known = Tree(entries=entries, blobs=blobs, identity=commit.tree)
            while len(self._trees) > 2:
                del self._trees[next(iter(self._trees))]
            self._trees[commit.tree] = known
        return known

    def _changed(self, one: CommitFacts, other: CommitFacts) -> tuple[_Changed, ...]:
        """What differs between two commits (git-diff-tree(1), "RAW OUTPUT FORMAT")."""
        options = ("-r", "-z", "--raw", "--no-renames", "--full-index", "--no-ext-diff")
        asked = run_git(
            ("diff-tree", *options, one.tree, other.tree), git_dir=self._repository.blobs.git_dir
        )
        if asked.code or asked.stderr:
            raise git_failed(f"commit {other.commit} cannot be compared", asked)
        fields = decode(asked.stdout).split("\0")
        return tuple(map(_changed_path, fields[0:-1:2], fields[1::2]))

    def _concerns(self, changed: Sequence[_Changed], side: Side) -> bool:
        """Whether any of the changes may be one of the application, by names and by a glance."""
        closure = side.closure
        folders = _folders(closure, side.application.path)
        above = _ancestors(side.application.path)
        for each in changed:
            folder = each.path.rpartition("/")[0]
            if (
                each.special
                or each.path == CONFIGURATION_PATH
                or each.path in closure.files
                or each.path in closure.missing
                or (folder in above and _may_matter(each.path))
                or not folders.isdisjoint(_ancestors(folder))
            ):
                return True
        own = side.application.path.rpartition("/")[2].encode("utf-8", "surrogateescape")
        return any(self._names(each, own) for each in changed)

    def _names(self, changed: _Changed, folder: bytes) -> bool:
        """Whether a file elsewhere may refer to the application's folder, or deploy it.

        A reference ends with the folder's name, wherever it starts from; a set of Argo CD has
        patterns.
        """
        if not _may_matter(changed.path):
            return False
        name = changed.path.rpartition("/")[2]
        for blob in changed.blobs:
            try:
                content = self._repository.blobs.read_object(blob, "blob")
            except SourceError:
                return True
            speaks = name in _STRUCTURE or any(word in content for word in _AGENTS)
            if speaks and (folder in content or _PATTERNS in content):
                return True
        return False


def _may_matter(path: str) -> bool:
    """Whether discovery looks into a file of this name, wherever it is."""
    return path.endswith(_MANIFESTS) or path.rpartition("/")[2] in _STRUCTURE


def _changed_path(what: str, path: str) -> _Changed:
    before, after, old, new, _ = what.removeprefix(":").split(" ")
    blobs = tuple(oid for oid in (old, new) if oid.strip("0"))
    return _Changed(path, before in _SPECIAL or after in _SPECIAL, blobs)


def _folders(closure: Closure, path: str) -> frozenset[str]:
    """The folders that the application reads files of; "" is the root."""
    own = "" if path == "." else path
    return frozenset({own, *(file.rpartition("/")[0] for file in closure.files)})


def _ancestors(folder: str) -> frozenset[str]:
    """A folder, and every one that it is in."""
    parts = [] if folder in ("", ".") else folder.split("/")
    return frozenset("/".join(parts[:count]) for count in range(len(parts) + 1))


def _same(one: Side | None, other: Side | None, changed: Collection[str]) -> bool:
    """Whether an application is the same on both sides, and so are all files that it reads."""
    if one is None or other is None:
        return one is other
    before, after = one.closure, other.closure
    touched = before.files | before.missing | after.files | after.missing
    return one.application == other.application and before == after and touched.isdisjoint(changed)
