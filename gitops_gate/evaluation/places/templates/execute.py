"""Executes a template as Go's `text/template/exec` does, on values that know their places."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitops_gate.evaluation.places.templates.collections import COLLECTIONS
from gitops_gate.evaluation.places.templates.comparisons import COMPARISONS
from gitops_gate.evaluation.places.templates.functions import FUNCTIONS, FailedError
from gitops_gate.evaluation.places.templates.parse import (
    Node,
    Operand,
    Pipe,
    TemplateError,
    parse,
)
from gitops_gate.evaluation.places.templates.results import is_true, unknown
from gitops_gate.evaluation.places.templates.text import (
    NOWHERE,
    Piece,
    Text,
    Unknown,
    go_text,
    literal,
    printed,
)
from gitops_gate.evaluation.places.traced import Place, Traced

_KNOWN = FUNCTIONS | COLLECTIONS | COMPARISONS
_LARGEST_VALUE = 20_000
"""Nodes of a value that a function goes through as a whole."""
_LOOKS_INTO = frozenset(
    {"include", "tpl", "index", "get", "set", "unset", "hasKey", "dig", "pick", "omit", "list"}
    | {"dict", "tuple", "default", "coalesce", "ternary", "keys", "values", "len", "empty", "not"}
)
"""Functions that take a value without going through all of it."""
_STEPS = 150_000
_CHARACTERS = 4_000_000
_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed file, or a definition in one."""

    path: str
    source: str
    nodes: Sequence[Node]
    starts: Sequence[int] = field(repr=False)
    """The offset of each line of the source."""

    def place(self, offset: int) -> Place:
        """The place of an offset in the file."""
        line = bisect_right(self.starts, offset)
        return Place(self.path, line, offset - self.starts[line - 1] + 1)


def template(path: str, source: str) -> Template:
    """A file as a template. Raises `TemplateError`."""
    starts = [0]
    while (at := source.find("\n", starts[-1])) >= 0:
        starts.append(at + 1)
    return Template(path, source, parse(source), starts)


def definitions(file: Template) -> dict[str, Template]:
    """The named templates that a file defines."""
    found: dict[str, Template] = {}
    waiting = list(file.nodes)
    while waiting:
        node = waiting.pop()
        waiting += [*node.body, *node.otherwise]
        if node.kind == "define" or (node.kind == "template" and node.body):
            found[node.text] = Template(file.path, file.source, node.body, file.starts)
    return found


class _Break(Exception):  # noqa: N818 - a jump, no error
    pass


class _Continue(Exception):  # noqa: N818 - a jump, no error
    pass


class Budget:
    """How many steps all executions of a chart may take together."""

    def __init__(self, steps: int = 10 * _STEPS) -> None:
        self.steps = steps


class Execution:
    """One execution of a template, within its limits and what is left of the chart's budget.

    `files` gives the path and text of a file of the chart, for `.Files.Get`.
    """

    def __init__(
        self,
        templates: Mapping[str, Template],
        files: Mapping[str, tuple[str, str]],
        budget: Budget,
    ) -> None:
        self.files = files
        self._templates = templates
        self._budget = budget
        self._steps = _STEPS
        self._characters = _CHARACTERS
        self._depth = 0
        self._doubts = 0
        self._pieces: list[Piece] = []
        self._scopes: list[tuple[str, Traced]] = []

    def run(self, main: Template, context: Traced) -> Text:
        """What a template prints. Raises `TemplateError`."""
        return self._called(main, context)

    def include(self, name: str, context: Traced) -> Traced:
        """What a named template prints, unknown if there is none."""
        named = self._templates.get(name)
        return unknown() if named is None else Traced(self._called(named, context), NOWHERE)

    def expand(self, source: Traced, context: Traced) -> Traced:
        """What a text prints as a template (`tpl`); it stays at the place of the text."""
        text = go_text(source)
        if "{{" not in text:
            return source
        self._spend(len(text) // 20)
        made = self._called(template(source.place.path, text), context)
        sure = all(piece.sure for piece in made)
        return Traced(made.joined(), source.place, sure=sure and source.sure)

    def _called(self, main: Template, context: Traced) -> Text:
        self._depth += 1
        if self._depth > _DEPTH:
            raise TemplateError("templates inside of each other too deeply")
        pieces, scopes = self._pieces, self._scopes
        self._pieces, self._scopes = [], [("$", context)]
        try:
            self._list(main, main.nodes, context)
            return Text(self._pieces)
        finally:
            self._pieces, self._scopes = pieces, scopes
            self._depth -= 1

    def _list(self, main: Template, nodes: Sequence[Node], dot: Traced) -> None:
        known = len(self._scopes)
        for node in nodes:
            self._spend(1)
            self._node(main, node, dot)
        del self._scopes[known:]

    def _node(self, main: Template, node: Node, dot: Traced) -> None:
        if node.kind == "text":
            self._print(literal(node.text, main.place(node.offset), sure=not self._doubts))
        elif node.kind == "action" and node.pipe is not None:
            value = self._pipe(node.pipe, dot)
            if not node.pipe.variables:
                self._spend(_weight(value))
                place = main.place(node.offset)
                self._print(printed(value, place, sure=not self._doubts))
        elif node.kind in ("if", "with") and node.pipe is not None:
            self._branch(main, node, node.pipe, dot)
        elif node.kind == "range" and node.pipe is not None:
            self._range(main, node, node.pipe, dot)
        elif node.kind == "template":
            context = self._pipe(node.pipe, dot) if node.pipe else Traced(None, NOWHERE)
            place = main.place(node.offset)
            self._print(printed(self.include(node.text, context), place, sure=not self._doubts))
        elif node.kind == "break":
            raise _Break
        elif node.kind == "continue":
            raise _Continue

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        self._budget.steps -= steps
        if self._steps < 0 or self._budget.steps < 0:
            raise TemplateError("too many steps")

    def _print(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._characters -= len(piece.text)
            if self._characters < 0:
                raise TemplateError("too much text")
            self._pieces.append(piece)

    def _branch(self, main: Template, node: Node, pipe: Pipe, dot: Traced) -> None:
        known = len(self._scopes)
        value = self._pipe(pipe, dot)
        doubtful = isinstance(value.value, Unknown)
        self._doubts += doubtful
        if doubtful or is_true(value):
            self._list(main, node.body, value if node.kind == "with" else dot)
        else:
            self._list(main, node.otherwise, dot)
        self._doubts -= doubtful
        del self._scopes[known:]

    def _range(self, main: Template, node: Node, pipe: Pipe, dot: Traced) -> None:
        known = len(self._scopes)
        names = pipe.variables
        value = self._pipe(Pipe(pipe.commands), dot)
        pairs: list[tuple[Traced, Traced]] = []
        if isinstance(value.value, dict):
            pairs = [(Traced(k, m.key or m.place), m) for k, m in sorted(value.value.items())]
        elif isinstance(value.value, list):
            pairs = [(Traced(i, item.place), item) for i, item in enumerate(value.value)]
        elif isinstance(value.value, int) and not isinstance(value.value, bool):
            numbers = range(min(value.value, _STEPS))
            pairs = [(Traced(n, NOWHERE), Traced(n, NOWHERE)) for n in numbers]
        for index, item in pairs:
            given = (item,) if len(names) == 1 else (index, item)
            self._scopes += zip(names, given, strict=False)
            try:
                self._list(main, node.body, item)
            except _Break:
                break
            except _Continue:
                continue
            finally:
                del self._scopes[known:]
        if not pairs:
            self._list(main, node.otherwise, dot)

    def _pipe(self, pipe: Pipe, dot: Traced) -> Traced:
        value: Traced | None = None
        for command in pipe.commands:
            value = self._command(command, dot, value)
        assert value is not None
        for name in pipe.variables:
            self._assign(name, value, known=pipe.assigns)
        return value

    def _assign(self, name: str, value: Traced, *, known: bool) -> None:
        if self._doubts:
            self._spend(_weight(value))
            value = value.copied(sure=False) if not isinstance(value.value, Text) else unknown()
        if known:
            for index in range(len(self._scopes) - 1, -1, -1):
                if self._scopes[index][0] == name:
                    self._scopes[index] = (name, value)
                    return
        self._scopes.append((name, value))

    def _command(self, operands: tuple[Operand, ...], dot: Traced, last: Traced | None) -> Traced:
        self._spend(1)
        first = operands[0]
        if first.kind == "function":
            return self._function(first, operands[1:], dot, last)
        if len(operands) > 1 or last is not None:
            arguments = [self._operand(one, dot) for one in operands[1:]]
            return self._method(first, [*arguments, *([last] if last else [])], dot)
        return self._operand(first, dot)

    def _function(
        self, first: Operand, rest: Sequence[Operand], dot: Traced, last: Traced | None
    ) -> Traced:
        if first.value in ("and", "or"):
            return self._choice(first.value == "or", rest, dot, last)
        arguments = [self._operand(operand, dot) for operand in rest]
        if last is not None:
            arguments.append(last)
        function = _KNOWN.get(first.value)
        if function is None:
            return unknown()
        if first.value not in _LOOKS_INTO:
            self._spend(sum(_weight(argument) for argument in arguments))
        if first.value not in _TAKES_UNKNOWN and any(
            isinstance(argument.value, Unknown) for argument in arguments
        ):
            return unknown()
        try:
            result = function(self, arguments)
        except FailedError as error:
            raise TemplateError("the template fails") from error
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            return unknown()
        return _looked_up(result, first.names)

    def _choice(
        self, either: bool, rest: Sequence[Operand], dot: Traced, last: Traced | None
    ) -> Traced:
        """`or` and `and`, which look no further than they have to."""
        values = [*rest, *([Operand("value", last)] if last is not None else [])]
        value = Traced(None, NOWHERE)
        for operand in values:
            value = self._operand(operand, dot)
            if isinstance(value.value, Unknown) or is_true(value) is either:
                return value
        return value

    def _operand(self, operand: Operand, dot: Traced) -> Traced:
        if operand.kind == "constant":
            return Traced(operand.value, NOWHERE)
        if operand.kind == "value":
            return operand.value  # type: ignore[no-any-return]
        if operand.kind == "dot":
            return _looked_up(dot, operand.names)
        if operand.kind == "variable":
            for name, value in reversed(self._scopes):
                if name == operand.value:
                    return _looked_up(value, operand.names)
            return unknown()
        if operand.kind == "pipe":
            return _looked_up(self._pipe(operand.value, dot), operand.names)
        return self._function(operand, (), dot, None)

    def _method(self, first: Operand, arguments: Sequence[Traced], dot: Traced) -> Traced:
        """The few methods of Helm's objects: of files, and of what the cluster can do."""
        names = first.names
        if names[-2:] == ("Files", "Get") and arguments:
            path, content = self.files.get(go_text(arguments[0]), ("", ""))
            return Traced(content, Place(path, 1, 1)) if path else Traced("", NOWHERE)
        if names[-2:] == ("APIVersions", "Has") and arguments:
            holder = self._operand(Operand(first.kind, first.value, names[:-1]), dot)
            wanted = go_text(arguments[0])
            if any(go_text(item) == wanted for item in holder.items) or wanted in _STABLE:
                return Traced(True, NOWHERE)
            group, _, rest = wanted.partition("/")
            builtin = "/" not in rest and ("." not in group or group.endswith(".k8s.io"))
            return unknown() if builtin else Traced(False, NOWHERE)
        return unknown()


_TAKES_UNKNOWN = frozenset(
    {"list", "dict", "toYaml", "include", "tuple", "printf", "default", "coalesce", "ternary"}
    | {"indent", "nindent"}
)
_STABLE = frozenset(
    {
        "v1",
        "admissionregistration.k8s.io/v1",
        "apiextensions.k8s.io/v1",
        "apps/v1",
        "authentication.k8s.io/v1",
        "authorization.k8s.io/v1",
        "autoscaling/v1",
        "autoscaling/v2",
        "batch/v1",
        "certificates.k8s.io/v1",
        "coordination.k8s.io/v1",
        "discovery.k8s.io/v1",
        "networking.k8s.io/v1",
        "policy/v1",
        "rbac.authorization.k8s.io/v1",
        "scheduling.k8s.io/v1",
        "storage.k8s.io/v1",
    }
)
"""What every Helm takes a cluster to have that it does not ask; kinds are not among them."""


def _weight(value: Traced) -> int:
    """What it costs to go through a value. Raises `TemplateError` for one that is too large.

    A value may be in another one many times over, so that what is there is less than what is seen.
    """
    if isinstance(value.value, Text):
        return len(value.value)
    if isinstance(value.value, str):
        return len(value.value) // 100
    waiting = [value]
    seen = 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > _LARGEST_VALUE:
            raise TemplateError("too large a value")
        waiting += node.fields.values() if isinstance(node.value, dict) else node.items
    return seen // 10


def _looked_up(value: Traced, names: Sequence[str]) -> Traced:
    """Fields of a value; a field that is not there is nil, as for Helm."""
    for name in names:
        if isinstance(value.value, Unknown):
            return value
        found = value.fields.get(name)
        if found is None:
            return Traced(None, NOWHERE, sure=value.sure)
        value = found
    return value
