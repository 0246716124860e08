"""What discovery found out before, on disk: facts by blob id, and surveys by tree id.

Everything is addressed by the content that it was computed from and by the version of this
package, so nothing in it can be out of date, and a lost or damaged file only costs time. SQLite
lets several runs read and write at once; values are JSON, so reading them runs nothing. A survey
is kept together with the listing of its tree, from which that of the next revision is derived.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gitops_gate import __version__
from gitops_gate.discovery.facts import Fact, Purpose, from_json, to_json
from gitops_gate.discovery.survey import Survey
from gitops_gate.discovery.survey_json import decode, encode
from gitops_gate.source.values import Entry

FORMAT = 1
"""Raised whenever facts or surveys change their form or their meaning."""

MAXIMUM_SURVEYS = 8
_MAXIMUM_FACTS = 400_000
_CHUNK = 500
_BUSY = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS surveys (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tree TEXT UNIQUE NOT NULL, family TEXT NOT NULL,
    survey TEXT NOT NULL, listing TEXT NOT NULL
);
"""
_UNREADABLE = (sqlite3.Error, ValueError, TypeError, LookupError, OSError)

Marks = Mapping[str, str]
"""For each path of a tree its mode and object id, as one text."""


def marks_of(entries: Mapping[str, Entry]) -> dict[str, str]:
    """What identifies each entry of a listing."""
    return {path: f"{entry.mode.value} {entry.oid}" for path, entry in entries.items()}


def family_of(paths: Iterable[str]) -> str:
    """What revisions of one repository mostly have in common: their top-level names."""
    names = sorted({path.partition("/")[0] for path in paths})
    content = "\0".join(names).encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest()


class FactCache:
    """The cache in a folder of the caller's choice, which is made when it is first written to.

    No method raises for what is wrong with the file: what cannot be read is not there, and what
    cannot be written is not kept.
    """

    def __init__(self, folder: str | Path) -> None:
        self._path = Path(folder) / f"discovery-{FORMAT}-{__version__}.sqlite3"

    def facts(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        """The facts that are known of these (purpose, blob id) pairs."""
        found: dict[tuple[str, str], Fact] = {}
        with contextlib.suppress(*_UNREADABLE), self._open() as database:
            for start in range(0, len(keys), _CHUNK):
                asked = [" ".join(key) for key in keys[start : start + _CHUNK]]
                marks = ",".join("?" * len(asked))
                query = f"SELECT key, value FROM facts WHERE key IN ({marks})"  # noqa: S608
                for key, value in database.execute(query, asked):
                    purpose, _, oid = key.partition(" ")
                    found[purpose, oid] = from_json(Purpose(purpose), json.loads(value))
        return found

    def store_facts(self, facts: Mapping[tuple[str, str], Fact]) -> None:
        """Keep facts by (purpose, blob id)."""
        rows = [(" ".join(key), json.dumps(to_json(fact))) for key, fact in facts.items()]
        with contextlib.suppress(*_UNREADABLE), self._open(write=True) as database:
            (count,) = database.execute("SELECT COUNT(*) FROM facts").fetchone()
            if count > _MAXIMUM_FACTS:
                database.execute("DELETE FROM facts")
            database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def survey(self, tree: str) -> Survey | None:
        """The survey of the tree with this id."""
        with contextlib.suppress(*_UNREADABLE), self._open() as database:
            query = "SELECT survey FROM surveys WHERE tree = ?"
            for (value,) in database.execute(query, (tree,)):
                return decode(value)
        return None

    def nearest(self, family: str) -> tuple[Survey, Marks] | None:
        """The newest survey of a family of trees, and the entries of its tree."""
        with contextlib.suppress(*_UNREADABLE), self._open() as database:
            query = "SELECT survey, listing FROM surveys WHERE family = ? ORDER BY id DESC LIMIT 1"
            for value, listing in database.execute(query, (family,)):
                marks: dict[str, str] = json.loads(listing)
                return decode(value), marks
        return None

    def store_survey(self, tree: str, family: str, survey: Survey, marks: Marks) -> None:
        """Keep a survey; the oldest ones make room for it."""
        row = (tree, family, encode(survey), json.dumps(marks, separators=(",", ":")))
        with contextlib.suppress(*_UNREADABLE), self._open(write=True) as database:
            database.execute(
                "INSERT OR REPLACE INTO surveys (tree, family, survey, listing) "
                "VALUES (?, ?, ?, ?)",
                row,
            )
            database.execute(
                "DELETE FROM surveys WHERE id NOT IN "
                "(SELECT id FROM surveys ORDER BY id DESC LIMIT ?)",
                (MAXIMUM_SURVEYS,),
            )

    @contextlib.contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """The database, in one transaction; a damaged file is replaced when writing."""
        if write:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._replace_damaged()
        elif not self._path.exists():
            raise FileNotFoundError(self._path)
        database = sqlite3.connect(self._path, timeout=_BUSY)
        try:
            if write:
                database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
                database.executescript(_SCHEMA)
            with database:
                yield database
        finally:
            database.close()

    def _replace_damaged(self) -> None:
        """Remove the file when it is no database of this form."""
        if not self._path.exists():
            return
        database = sqlite3.connect(self._path, timeout=_BUSY)
        try:
            database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            return
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        finally:
            database.close()
