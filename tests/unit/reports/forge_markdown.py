"""Markdown as the two forges render it, and what they look for in the text afterwards.

GitHub: cmark-gfm itself, with the options of comments (a line break is a break). GitLab: comrak,
with the options of `Banzai::Filter::MarkdownEngines::GlfmMarkdown`. What both then find in text
nodes outside of code (mentions, references, shortcodes) is in `REFERENCES`, taken from
https://docs.gitlab.com/user/markdown/#gitlab-specific-references and
https://docs.github.com/en/get-started/writing-on-github.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import comrak
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})

REFERENCES: Mapping[str, re.Pattern[str]] = {
    "mention": re.compile(r"(?<![\w`])@[\w-]"),
    "e-mail": re.compile(r"[\w.+-]@[\w-]"),
    "issue": re.compile(r"#[\w\"]"),
    "merge request": re.compile(r"![\w\"]"),
    "label": re.compile(r"~[\w\"']"),
    "milestone": re.compile(r"%[\w\"{]"),
    "snippet or formula": re.compile(r"\$[\w\"`\\{(]"),
    "epic": re.compile(r"&[\w\"]"),
    "alert": re.compile(r"\^alert"),
    "bracketed": re.compile(r"\[(?:\w+:\S|\[|_?TOC)"),
    "starred": re.compile(r"\*\w+:"),
    "tracker": re.compile(r"\b(?:[A-Z][A-Z0-9_]+|[Gg][Hh])-\d|\b(?i:ghsa)-"),
    "commit": re.compile(r"\b[0-9a-f]{7,64}\b"),
    "address": re.compile(r"(?i)[a-z][a-z0-9+.-]*://|\bwww\.|mailto:|xmpp:"),
    "shortcode": re.compile(r":[a-z0-9_+-]+:"),
    "inline diff": re.compile(r"[\[{][+-] ?.*?[+-][\]}]"),
}


@dataclass(slots=True)
class Element:
    """One element of a page; its children are elements and texts."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Element | str]]:
        """Everything below, each with the tags above it."""
        for child in self.children:
            yield (*path, self.tag), child
            if isinstance(child, Element):
                yield from child.walk((*path, self.tag))

    def elements(self, *tags: str) -> list[Element]:
        """The elements below that have one of the tags."""
        return [e for _, e in self.walk() if isinstance(e, Element) and e.tag in tags]

    @property
    def text(self) -> str:
        """All text below, without what only keeps a forge from linking it."""
        texts = (child for _, child in self.walk() if isinstance(child, str))
        return "".join(texts).replace("\u2060", "")


class _Builder(HTMLParser):
    """Builds the tree, and refuses what is not properly nested."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page")]
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"a processing instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def parse(html: str) -> tuple[Element, list[str]]:
    """The page as a tree, and its HTML comments. Fails where elements are not nested."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert [element.tag for element in builder.open] == ["page"]
    return builder.open[0], builder.comments


def github_html(markdown: str) -> str:
    """As GitHub renders a comment, before it links mentions and references."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_FOOTNOTES
    html: str = github_flavored_markdown_to_html(markdown, options=options)
    return html


def gitlab_html(markdown: str) -> str:
    """As GitLab renders a note, before it links mentions and references."""
    return _comrak(markdown, ())


def strictest_html(markdown: str) -> str:
    """As GitLab, and with everything else switched on that a forge might switch on."""
    more = ("tasklist", "shortcodes", "superscript", "subscript", "spoiler", "greentext")
    return _comrak(markdown, (*more, "math_latex", "inline_footnotes", "subtext"))


def _comrak(markdown: str, more: tuple[str, ...]) -> str:
    extension, parsing, rendering = (
        comrak.ExtensionOptions(),
        comrak.ParseOptions(),
        comrak.RenderOptions(),
    )
    for name in (
        "alerts",
        "autolink",
        "cjk_friendly_emphasis",
        "description_lists",
        "footnotes",
        "math_code",
        "math_dollars",
        "multiline_block_quotes",
        "strikethrough",
        "table",
        "wikilinks_title_before_pipe",
        *more,
    ):
        setattr(extension, name, True)
    extension.front_matter_delimiter = "---"
    parsing.relaxed_autolinks = True
    rendering.full_info_string = True
    rendering.github_pre_lang = True
    rendering.escaped_char_spans = True
    rendering.unsafe_ = True
    html: str = comrak.render_markdown(markdown, extension, parsing, rendering)
    return html


FORGES: Mapping[str, Callable[[str], str]] = {
    "github": github_html,
    "gitlab": gitlab_html,
    "strictest": strictest_html,
}
