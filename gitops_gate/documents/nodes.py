r"""A document as a tree of nodes with places: libyaml's events, read as Kubernetes reads them.

go-yaml, which Kubernetes uses, and libyaml scan YAML alike but for a handful of places. Each is
dealt with here, so that what is accepted is accepted by both and means the same:

- `\'` in double quotes is an escape to go-yaml only; `\/` to libyaml only.
- A plain scalar inside `[ ]` or `{ }` may end in `:` for go-yaml; it may hold `?` for libyaml.
- `%YAML` may name 1.1 only.
- A tag runs on through `,` `[` `]` in go-yaml. Refused: no manifest needs it.
- A byte order mark that is not the first character makes go-yaml skip others. Refused.

`sigs.k8s.io/yaml` reads the first document of what it is given and never looks at the rest. A rest
that holds anything is refused here: part of the file would silently not be applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gitops_gate.documents.limits import Limits
from gitops_gate.documents.problems import Mark, Text, as_manifest_error
from gitops_gate.documents.scalars import MERGE_TAG, TAG_PREFIX
from gitops_gate.errors import InternalError, ManifestError

if TYPE_CHECKING:
    import yaml

SCALAR: Final = 0
SEQUENCE: Final = 1
MAPPING: Final = 2
ALIAS: Final = 3

QUOTED_TAG = TAG_PREFIX + "str"
"""The tag that a quoted or block scalar has without saying so."""

_TAG_WITH_FLOW = re.compile(r"(?:&\S+\s+)?!(?:(?!<)\S*[,\[\]]|<[^>\s]*>\S)")
_VERSION = re.compile(rb"^%YAML[ \t]+0?1\.0?1(?![0-9])", re.M)
_SLASH_ESCAPE = re.compile(r"(?:[^\\]|\\[^/])*?\\/", re.S)
_REST_OF_QUOTED = re.compile(r"(?:[^\"\\]|\\.)*", re.S)
_ESCAPE = re.compile(r"\\(.)", re.S)
_RESCANNED_BYTES = 20_000_000
"""How much may be scanned again for the sake of spellings that only go-yaml accepts."""


class Node:
    """One node of a document.

    `value` is the text of a scalar, the items of a sequence, the keys and values of a mapping in
    turn, or the node that an alias stands for. `tag` is None for a plain scalar without one.
    `mark` is where it starts, `end` where a scalar or an alias ends.
    """

    __slots__ = ("end", "kind", "mark", "tag", "value")

    def __init__(
        self,
        kind: int,
        value: str | list[Node] | Node,
        tag: str | None,
        mark: Mark,
        end: Mark,
    ) -> None:
        self.kind = kind
        self.value = value
        self.tag = tag
        self.mark = mark
        self.end = end

    @property
    def text(self) -> str:
        """The text of a scalar."""
        assert isinstance(self.value, str)
        return self.value

    @property
    def children(self) -> list[Node]:
        """The items of a sequence, or the keys and values of a mapping in turn."""
        assert isinstance(self.value, list)
        return self.value

    @property
    def target(self) -> Node:
        """The node itself, or the one that an alias stands for."""
        return self.value if isinstance(self.value, Node) else self

    @property
    def merges(self) -> bool:
        """Whether this key is `<<`, unquoted."""
        return self.kind == SCALAR and self.value == "<<" and self.tag in (None, MERGE_TAG, "!")


def compose(text: Text, limits: Limits) -> Node | None:
    """The root node of the only document in `text`, or None when there is none.

    Raises `ManifestError` for what Kubernetes would not read, for a second document, and beyond
    the limits.
    """
    import yaml

    scanned = 0
    while True:
        scanned += len(text.raw)
        try:
            return _document(text, limits)
        except yaml.YAMLError as problem:
            repaired = _repair(text.characters, problem)
            if repaired is None or scanned > _RESCANNED_BYTES:
                raise as_manifest_error(problem, text) from None
            text = text.replaced(repaired)
        except UnicodeError:
            raise text.error("not YAML: a tag that is not UTF-8", None) from None


def _document(text: Text, limits: Limits) -> Node | None:
    """As `compose`, but raises what libyaml does when the text is not YAML to it."""
    import yaml

    events = _event_source(text)
    events()
    event = events()
    if isinstance(event, yaml.StreamEndEvent):
        return None
    version = event.version
    if version is not None and not (version == (1, 1) and _VERSION.search(text.raw)):
        raise text.error("a %YAML directive of a version that Kubernetes refuses", event.start_mark)
    root = _Composer(text, limits, events).tree()
    events()
    event = events()
    if not isinstance(event, yaml.StreamEndEvent):
        raise text.error(
            "a second document, which Kubernetes would not read: separate it by a line ---",
            event.start_mark,
        )
    return root


def _event_source(text: Text) -> Callable[[], Any]:
    try:
        from yaml._yaml import CParser
    except ImportError:
        raise InternalError(
            "PyYAML lacks libyaml", remedy="install PyYAML from one of its wheels"
        ) from None
    events: Callable[[], Any] = CParser(text.raw).get_event
    return events


class _Composer:
    """Builds the tree of one document from its events, checking each on the way."""

    def __init__(self, text: Text, limits: Limits, events: Callable[[], Any]) -> None:
        self._text = text
        self._limits = limits
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._slashes = b"\\/" in text.raw
        self._in_flow = False

    def tree(self) -> Node:
        """The root node; the next event is the end of the document."""
        import yaml

        scalar, alias = yaml.ScalarEvent, yaml.AliasEvent
        ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        open_nodes: list[tuple[list[Node], bool]] = []
        siblings: list[Node] = []
        root = siblings
        budget = self._limits.max_nodes
        while True:
            event = self._events()
            kind = type(event)
            if kind in ends:
                siblings, self._in_flow = open_nodes.pop()
            else:
                budget -= 1
                if budget < 0:
                    raise self._too_many(event)
                if kind is scalar:
                    siblings.append(self._scalar(event))
                elif kind is alias:
                    siblings.append(self._alias(event))
                else:
                    node = self._collection(event, kind is yaml.MappingStartEvent)
                    siblings.append(node)
                    open_nodes.append((siblings, self._in_flow))
                    if len(open_nodes) > self._limits.max_depth:
                        raise self._too_deep(event)
                    siblings = node.children
                    self._in_flow = self._in_flow or bool(event.flow_style)
            if not open_nodes:
                return root[0]

    def _scalar(self, event: Any) -> Node:
        tag = event.tag
        if tag is None:
            if not event.implicit[0]:
                tag = QUOTED_TAG
                if self._slashes and event.style == '"':
                    self._refuse_slash_escape(event)
            elif self._in_flow and "?" in event.value:
                raise self._text.error(
                    "not YAML: a '?' that has to be quoted inside [ ] or { }", event.start_mark
                )
        else:
            self._check_tag(event)
            if self._slashes and event.style == '"':
                self._refuse_slash_escape(event)
        node = Node(SCALAR, event.value, tag, event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        target = self._anchors.get(event.anchor)
        if target is None:
            raise self._text.error(
                f"alias *{event.anchor} stands for an anchor that is not there", event.start_mark
            )
        return Node(ALIAS, target, None, event.start_mark, event.end_mark)

    def _collection(self, event: Any, mapping: bool) -> Node:
        if event.tag is not None:
            self._check_tag(event)
        node = Node(
            MAPPING if mapping else SEQUENCE, [], event.tag, event.start_mark, event.end_mark
        )
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _check_tag(self, event: Any) -> None:
        if _TAG_WITH_FLOW.match(self._text.characters, event.start_mark.index):
            raise self._text.error(
                "a tag that runs on, where YAML readers differ", event.start_mark
            )

    def _refuse_slash_escape(self, event: Any) -> None:
        source = self._text.characters[event.start_mark.index : event.end_mark.index]
        if _SLASH_ESCAPE.match(source):
            raise self._text.error(
                "not YAML: the escape \\/ in double quotes is not one of YAML 1.1",
                event.start_mark,
            )

    def _too_many(self, event: Any) -> ManifestError:
        return self._text.error(
            f"a document of more than {self._limits.max_nodes:,} values", event.start_mark
        )

    def _too_deep(self, event: Any) -> ManifestError:
        return self._text.error(
            f"nested deeper than {self._limits.max_depth} levels", event.start_mark
        )


def _repair(characters: str, problem: yaml.YAMLError) -> str | None:
    """The text in a spelling that both scanners accept, if go-yaml accepts it as it is."""
    what = getattr(problem, "problem", None)
    mark = getattr(problem, "problem_mark", None)
    if mark is None:
        return None
    at = mark.index
    if what == "found unknown escape character" and characters[at + 1 : at + 2] == "'":
        end = _match_end(_REST_OF_QUOTED, characters, at)
        quoted = _ESCAPE.sub(
            lambda escape: "\\x27" if escape[1] == "'" else escape[0], characters[at:end]
        )
        return characters[:at] + quoted + characters[end:]
    context = getattr(problem, "context_mark", None)
    if (
        what == "found unexpected ':'"
        and context
        and characters[at + 1 : at + 2] in {",", "]", "}"}
    ):
        plain = characters[context.index : at + 1].replace("'", "''")
        return f"{characters[: context.index]}'{plain}'{characters[at + 1 :]}"
    return None


def _match_end(pattern: re.Pattern[str], characters: str, start: int) -> int:
    match = pattern.match(characters, start)
    return match.end() if match else start
