"""The source of a template -> a tree of nodes, as Go's `text/template/parse` reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_LARGEST = 1_000_000
_DEEPEST = 60
_TOKEN = re.compile(
    r"(?P<string>\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`)"
    r"|(?P<char>'(?:[^'\\\n]|\\.)')"
    r"|(?P<number>[-+]?\d[\w.]*)"
    r"|(?P<field>\.[^\W\d]\w*)"
    r"|(?P<variable>\$\w*)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<sign>:=|[=|(),.])"
)
_SPACE = re.compile(r"\s*")


class TemplateError(Exception):
    """A template that cannot be read, or goes beyond a limit."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an action; `spaced` is whether white space stands before it."""

    kind: str
    text: str
    spaced: bool


@dataclass(frozen=True, slots=True)
class Operand:
    """A value in a command: a constant, `.`, a field, a variable, a function, or parentheses.

    `names` are the fields that are looked up in it.
    """

    kind: str
    value: Any = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each a list of operands, and the variables that take the result."""

    commands: tuple[tuple[Operand, ...], ...]
    variables: tuple[str, ...] = ()
    assigns: bool = False


@dataclass(slots=True)
class Node:
    """A piece of a template. `offset` is where it starts in the source.

    `kind` is text, action, if, with, range, template, define, break or continue; `body` and
    `otherwise` are the nodes inside of it.
    """

    kind: str
    offset: int
    text: str = ""
    pipe: Pipe | None = None
    body: list[Node] = field(default_factory=list)
    otherwise: list[Node] = field(default_factory=list)


def parse(source: str) -> list[Node]:
    """The nodes of a template. Raises `TemplateError`."""
    if len(source) > _LARGEST:
        raise TemplateError("too large")
    return _Parser(source).parsed()


@dataclass(frozen=True, slots=True)
class _Action:
    offset: int
    tokens: list[Token]


def _scanned(source: str) -> Iterator[Node | _Action]:
    """Text and actions in turn, with white space trimmed where the actions say so."""
    at = 0
    trim = False
    while True:
        start = source.find("{{", at)
        text = source[at:] if start < 0 else source[at:start]
        begin = at + (len(text) - len(text.lstrip()) if trim else 0)
        if start < 0:
            yield Node("text", begin, source[begin:])
            return
        inner = start + 2
        trims_before = source[inner : inner + 1] == "-" and source[inner + 1 : inner + 2].isspace()
        end = start
        if trims_before:
            inner += 1
            end = begin + len(source[begin:start].rstrip()) if begin < start else begin
        if begin < end:
            yield Node("text", begin, source[begin:end])
        tokens, at, trim = _tokens(source, inner)
        yield _Action(start, tokens)


def _tokens(source: str, at: int) -> tuple[list[Token], int, bool]:
    """The tokens of an action, where it ends, and whether it trims what follows."""
    space = _SPACE.match(source, at)
    comment = space.end() if space else at
    if source.startswith("/*", comment):
        closed = source.find("*/", comment)
        end = source.find("}}", closed)
        if closed < 0 or end < 0:
            raise TemplateError("an open comment")
        return [], end + 2, source[closed + 2 : end].strip() == "-"
    tokens: list[Token] = []
    while True:
        space = _SPACE.match(source, at)
        after = space.end() if space else at
        if source.startswith("}}", after):
            return tokens, after + 2, False
        if after > at and source.startswith("-}}", after):
            return tokens, after + 3, True
        match = _TOKEN.match(source, after)
        if match is None or match.lastgroup is None:
            raise TemplateError("not a token")
        tokens.append(Token(match.lastgroup, match[0], after > at))
        at = match.end()


_BLOCKS = ("if", "with", "range", "define", "block")


class _Parser:
    """Builds the tree from the stream of text and actions."""

    def __init__(self, source: str) -> None:
        self._stream = _scanned(source)

    def parsed(self) -> list[Node]:
        nodes, end = self._list(0)
        if end is not None:
            raise TemplateError("an end without a beginning")
        return nodes

    def _list(self, depth: int) -> tuple[list[Node], list[Token] | None]:
        """Nodes up to an `end` or `else`, whose tokens are returned, or up to the end."""
        if depth > _DEEPEST:
            raise TemplateError("nested too deeply")
        nodes: list[Node] = []
        for item in self._stream:
            if isinstance(item, Node):
                nodes.append(item)
                continue
            word = item.tokens[0].text if item.tokens and item.tokens[0].kind == "word" else ""
            if word in ("end", "else"):
                return nodes, item.tokens
            if not item.tokens:
                continue
            if word in _BLOCKS:
                nodes.append(self._block(word, item.offset, item.tokens[1:], depth))
            elif word == "template":
                nodes.append(self._template(item.offset, item.tokens[1:]))
            elif word in ("break", "continue") and len(item.tokens) == 1:
                nodes.append(Node(word, item.offset))
            else:
                nodes.append(Node("action", item.offset, pipe=pipe_of(item.tokens)))
        return nodes, None

    def _block(self, word: str, offset: int, tokens: list[Token], depth: int) -> Node:
        if word in ("define", "block"):
            node = self._template(offset, tokens)
            node.kind = "define" if word == "define" else "template"
            node.body, end = self._list(depth + 1)
            if end is None or end[0].text != "end":
                raise TemplateError("a definition that does not end")
            return node
        node = Node(word, offset, pipe=pipe_of(tokens))
        node.body, end = self._list(depth + 1)
        if end is None:
            raise TemplateError("a block that does not end")
        if end[0].text == "else":
            if len(end) > 1:
                node.otherwise = [self._block(end[1].text, offset, end[2:], depth + 1)]
                return node
            node.otherwise, end = self._list(depth + 1)
            if end is None or end[0].text != "end":
                raise TemplateError("an else that does not end")
        return node

    def _template(self, offset: int, tokens: list[Token]) -> Node:
        if not tokens or tokens[0].kind != "string":
            raise TemplateError("a template without a name")
        pipe = pipe_of(tokens[1:]) if len(tokens) > 1 else None
        return Node("template", offset, text=unquoted(tokens[0].text), pipe=pipe)


def pipe_of(tokens: list[Token]) -> Pipe:
    """The pipeline that tokens spell. Raises `TemplateError`."""
    reader = _PipeReader(tokens)
    pipe = reader.pipe(0)
    if reader.left:
        raise TemplateError("something follows a pipeline")
    return pipe


class _PipeReader:
    """Reads pipelines, and those in parentheses inside of them."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._tokens)

    def pipe(self, depth: int) -> Pipe:
        if depth > _DEEPEST:
            raise TemplateError("nested too deeply")
        variables, assigns = self._declared()
        commands: list[tuple[Operand, ...]] = []
        operands: list[Operand] = []
        while self.left and self._peek() != ")":
            if self._peek() == "|":
                self._at += 1
                commands.append(tuple(operands))
                operands = []
            else:
                operands.append(self._operand(depth))
        commands.append(tuple(operands))
        if not all(commands):
            raise TemplateError("an empty command")
        return Pipe(tuple(commands), variables, assigns)

    def _peek(self) -> str:
        token = self._tokens[self._at]
        return token.text if token.kind == "sign" else ""

    def _declared(self) -> tuple[tuple[str, ...], bool]:
        """`$a :=`, `$a, $b :=` or `$a =`."""
        names: list[str] = []
        at = self._at
        while at + 1 < len(self._tokens) and self._tokens[at].kind == "variable":
            names.append(self._tokens[at].text)
            sign = self._tokens[at + 1]
            at += 2
            if sign.kind != "sign" or sign.text not in (":=", "=", ","):
                return (), False
            if sign.text != ",":
                self._at = at
                return tuple(names), sign.text == "="
        return (), False

    def _operand(self, depth: int) -> Operand:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "sign" and token.text == "(":
            inner = self.pipe(depth + 1)
            if not self.left or self._peek() != ")":
                raise TemplateError("an open parenthesis")
            self._at += 1
            return Operand("pipe", inner, self._names())
        if token.kind == "sign" and token.text == ".":
            return Operand("dot")
        if token.kind == "field":
            return Operand("dot", None, (token.text[1:], *self._names()))
        if token.kind == "variable":
            return Operand("variable", token.text, self._names())
        if token.kind in ("string", "char", "number"):
            return Operand("constant", _constant(token))
        if token.kind == "word":
            if token.text in ("true", "false", "nil"):
                return Operand("constant", {"true": True, "false": False, "nil": None}[token.text])
            return Operand("function", token.text, self._names())
        raise TemplateError("no operand")

    def _names(self) -> tuple[str, ...]:
        names = []
        while self.left:
            token = self._tokens[self._at]
            if token.kind != "field" or token.spaced:
                break
            names.append(token.text[1:])
            self._at += 1
        return tuple(names)


def _constant(token: Token) -> Any:
    if token.kind == "number":
        text = token.text.replace("_", "")
        try:
            return int(text, 0) if len(text) < 20 else float(text)
        except ValueError:
            try:
                return float(text)
            except ValueError:
                raise TemplateError("no number") from None
    text = unquoted(token.text)
    return ord(text[0]) if token.kind == "char" and text else text


def unquoted(text: str) -> str:
    """The text that a Go string stands for. Raises `TemplateError` for escapes of Go alone."""
    if text[0] == "`":
        return text[1:-1]
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    if text[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        raise TemplateError("an escape of Go's own") from None
