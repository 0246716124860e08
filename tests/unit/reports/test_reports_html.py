"""The page holds what the report says and nothing that runs, loads or leads elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.verdict.values import Report
from tests.unit.reports.report_samples import DENIED, SAMPLES, UNPINNED
from tests.unit.reports.report_strategies import reports

LOADING = {"img", "iframe", "object", "embed", "link", "video", "audio", "base", "svg", "math"}


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.depth: list[str] = []
        self.raw: dict[str, str] = {}
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.depth.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.depth.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.depth[-1] if self.depth else ""
        if inside in {"script", "style"}:
            self.raw[inside] = self.raw.get(inside, "") + data
        else:
            self.text += data


def page(report: Report) -> Page:
    return Page(render_report(report, "html", options=ReportOptions()))


def policy(shown: Page) -> str:
    return next(str(a["content"]) for _, a in shown.tags if "http-equiv" in a)


@settings(max_examples=60)
@given(reports())
def test_no_report_brings_a_tag_an_address_or_a_handler(report: Report) -> None:
    shown = page(report)
    names = [tag for tag, _ in shown.tags]
    assert not LOADING & set(names)
    assert names.count("script") == names.count("style") == 1
    for _, attributes in shown.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        href = attributes.get("href") or "#"
        assert href.startswith(("#", "https://"))
    assert shown.depth == []


@pytest.mark.parametrize("name", SAMPLES)
def test_only_our_style_and_script_may_run(name: str) -> None:
    shown = page(SAMPLES[name])
    assert "default-src 'none'" in policy(shown)
    for part in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(shown.raw[part].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy(shown)


def test_the_end_of_a_script_in_a_message_ends_nothing() -> None:
    message = "</script><script>alert(1)</script>"
    shown = page(replace(DENIED, findings=(replace(UNPINNED, message=message),)))
    assert message in shown.text
    assert [tag for tag, _ in shown.tags].count("script") == 1


def test_every_control_has_a_label_and_every_section_a_heading() -> None:
    text = render_report(DENIED, "html", options=ReportOptions())
    shown = Page(text)
    headings = {a.get("id") for tag, a in shown.tags if tag in {"h1", "h2"}}
    for tag, attributes in shown.tags:
        if tag == "section":
            assert attributes["aria-labelledby"] in headings
    assert len(re.findall(r"<label>[^<]+\s*<(?:input|select)", text)) == 5
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in shown.tags}


def test_ids_are_unique() -> None:
    ids = [a["id"] for _, a in page(DENIED).tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_filters_know_every_environment_and_application() -> None:
    text = page(DENIED).text
    for outcome in DENIED.applications:
        assert outcome.name in text
        assert outcome.environment in text


def test_without_javascript_only_the_controls_are_missing() -> None:
    shown = page(DENIED)
    hidden = {a.get("id") for _, a in shown.tags if "hidden" in a}
    assert hidden == {"filters", "diff-tools"}
