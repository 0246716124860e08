"""The HTML page in a real browser: what a reader sees, does, and is kept safe from."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, Route, expect, sync_playwright

from gitops_gate.changes.values import FieldChange
from gitops_gate.findings import Location
from gitops_gate.reports import ReportOptions, html
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.resources.values import ResourceReference
from gitops_gate.verdict.values import Report
from tests.engines import node_package, require_program
from tests.unit.reports.approval_samples import APPROVALS
from tests.unit.reports.report_samples import (
    CLAIM_GONE,
    DENIED,
    RULES,
    SAMPLES,
    SCALED,
    UNPINNED,
    WAIVED,
    outcome,
)
from tests.unit.reports.report_strategies import HOSTILE
from tests.unit.reports.test_reports_html import large

pytestmark = pytest.mark.slow

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}
BASIC = frozenset(
    re.findall(
        r"\S+",
        """
        a article b body br button code dd del details dialog div dl dt figcaption figure footer
        form g h1 h2 h3 h4 head header html i input ins kbd label li main mark meta nav option
        output p path pre rect script section select span strong style summary svg table tbody td
        text th thead title tr ul
        """,
    )
)
"""Every element that the page is made of."""


@dataclass
class Opened:
    """A page in the browser, and what it did that no page may do."""

    page: Page
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def refuse(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()


Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require_program("chromium", "install Debian's package chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a report as a file; at the end, nothing was asked for, said or popped up."""
    made: list[Opened] = []

    def open_report(
        report: Report,
        fragment: str = "",
        *,
        context: ReviewContext | None = None,
        before: str = "",
        **options: Any,
    ) -> Page:
        file = tmp_path / f"report-{len(made)}.html"
        file.write_text(html.write(report, ReportOptions(review=context)), "utf-8")
        options.setdefault("viewport", WIDE)
        page = browser.new_context(reduced_motion="reduce", **options).new_page()
        page.set_default_timeout(15_000)
        one = Opened(page)
        made.append(one)
        page.on("request", lambda request: one.requests.append(request.url))
        page.on("console", lambda message: one.trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: one.trouble.append(f"error: {error}"))
        page.on("dialog", one.refuse)
        page.on("popup", lambda _: one.trouble.append("popup"))
        if before:
            page.add_init_script(before)
        page.goto(f"{file.as_uri()}{fragment}")
        return page

    yield open_report
    for one in made:
        trouble, elsewhere = one.trouble, [r for r in one.requests if not r.startswith("file:")]
        one.page.context.close()
        assert not trouble
        assert not elsewhere


def seen(page: Page, selector: str) -> int:
    """How many of these elements can be seen."""
    return page.locator(f"{selector}:visible").count()


def choose(page: Page, name: str, label: str) -> None:
    if not page.locator("#choices").is_visible():
        page.get_by_role("button", name="Filters").click()
    page.locator(f"select[name={name}]").select_option(label=label)


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")


# -------------------------------------------------------------------------- for everybody


def violations(page: Page) -> list[str]:
    """What axe-core finds; it is evaluated from outside, since the page lets no script in."""
    script = (node_package("axe-core") / "axe.min.js").read_text("utf-8")
    page.evaluate(f"() => {{ {script}\n; window.axe = window.axe || axe; }}")
    found = page.evaluate(
        "() => axe.run(document, {runOnly: {type: 'tag', values: "
        "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}})"
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


EVERY = {
    **SAMPLES,
    "approvals": APPROVALS["missing"],
    "overridden": APPROVALS["overridden"],
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"color_scheme": "light", "viewport": NARROW},
    "narrow-dark": {"color_scheme": "dark", "viewport": NARROW},
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("sample", EVERY)
def test_axe_finds_nothing(opened: Open, sample: str, look: str) -> None:
    page = opened(EVERY[sample], **LOOKS[look])
    assert violations(page) == []
    unfold(page)
    if page.locator("#more-filters").is_visible():
        page.locator("#more-filters").click()
    page.locator("#search").fill("redis")
    assert violations(page) == []


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_side_by_side_nor_in_the_help_nor_in_a_claim(
    opened: Open, look: str
) -> None:
    context = ReviewContext(
        forge="github", head="h", base="b", base_ref="main", information=True,
        blob_url="https://forge.example/x", run_url="https://forge.example/run", notes=("a note",),
    )  # fmt: skip
    page = opened(DENIED, context=context, **LOOKS[look])
    unfold(page)
    page.locator("#side-by-side").click()
    assert page.locator(".sides").first.is_visible()
    assert violations(page) == []
    page.keyboard.press("?")
    assert violations(page) == []


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("sample", EVERY)
def test_nothing_is_wider_than_the_window(opened: Open, sample: str, width: int) -> None:
    long = "x" * 300
    approvals: Any = json.loads(json.dumps(EVERY[sample].approvals))
    if approvals:
        approvals["requirements"][0] |= {"name": long, "users": [long], "next": [long]}
    report = replace(
        EVERY[sample],
        approvals=approvals,
        warnings=(long,),
        findings=(
            replace(UNPINNED, message=long, rule=long, location=Location(path=long, line=3)),
            *EVERY[sample].findings,
        ),
        changes=(replace(SCALED, application=long, diff=f"-a: {long}\n+b: {long}"),),
        applications=(*EVERY[sample].applications, outcome(long, long)),
    )
    page = opened(report, viewport={"width": width, "height": 700})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# -------------------------------------------------------------------------- without scripts


@pytest.mark.parametrize("sample", EVERY)
def test_without_javascript_everything_can_be_read(opened: Open, sample: str) -> None:
    with_scripts = opened(EVERY[sample])
    unfold(with_scripts)
    with_scripts.wait_for_timeout(100)
    with_scripts.evaluate("document.querySelectorAll('button').forEach(b => b.remove())")
    page = opened(EVERY[sample], java_script_enabled=False)
    assert not page.locator("#filters").is_visible()
    assert not page.locator("button:visible").count()
    closed = page.locator("details:not([open]) > summary:visible")
    while closed.count():
        closed.first.click()
    assert page.locator("details:not([open])").count() == 0
    words = re.findall(r"\S+", with_scripts.locator("main").inner_text())
    readable = page.locator("main").inner_text()
    assert [word for word in words if word not in readable] == []


JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"


def test_a_viewer_that_forbids_scripts_and_styles_still_shows_everything(browser: Browser) -> None:
    text = html.write(DENIED, ReportOptions())
    page = browser.new_context().new_page()
    asked: list[str] = []

    def serve(route: Route, request: Request) -> None:
        asked.append(request.url)
        headers = {"Content-Security-Policy": JENKINS, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(body=text, headers=headers)

    page.route("**/*", serve)
    page.goto("http://ci.example/report.html")
    readable = page.locator("body").inner_text()
    for wanted in ("Denied until 2 findings are fixed", UNPINNED.message, "-  replicas: 3"):
        assert wanted in readable
    assert not page.locator("#filters").is_visible()
    assert page.locator("svg text").first.is_visible()
    assert asked == ["http://ci.example/report.html"]
    page.context.close()


def test_links_inside_the_page_need_no_script(opened: Open) -> None:
    page = opened(DENIED, f"#finding-{WAIVED.fingerprint}", java_script_enabled=False)
    assert page.get_by_text(WAIVED.message).is_visible()


OLD = """
delete HTMLDialogElement.prototype.showModal;
delete window.matchMedia; window.matchMedia = undefined;
Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied'); }});
Object.defineProperty(navigator, 'clipboard', {value: undefined});
history.replaceState = () => { throw new Error('denied'); };
"""


def test_a_browser_without_the_newer_things_still_searches_and_filters(opened: Open) -> None:
    page = opened(DENIED, before=OLD)
    page.locator("#search").fill("redis:latest")
    expect(page.locator("#how-many")).to_contain_text("1 of 7 distinct findings")
    page.locator("#theme").click()
    page.locator("#side-by-side").click()
    page.locator("#show-help").click()
    assert page.locator("#help").is_visible()


# -------------------------------------------------------------------------- search and filters


def test_search_looks_at_findings_resources_and_diffs(opened: Open) -> None:
    page = opened(DENIED)
    page.locator("#search").fill("pvc-unknown")
    expect(page.locator("#how-many")).to_have_text(
        "0 of 7 distinct findings, 0 of 4 distinct changes"
    )
    assert page.get_by_text("No finding fits the filters.").is_visible()
    assert page.get_by_text("No change fits the filters.").is_visible()
    page.locator("#search").fill("web:1.9.0")
    expect(page.locator("#how-many")).to_have_text(
        "0 of 7 distinct findings, 1 of 4 distinct changes"
    )
    assert page.locator(".change:visible summary b").all_inner_texts() == ["Deployment shop/web"]
    page.locator("#search").fill("IMAGES/pinned tag")
    expect(page.locator("#how-many")).to_have_text(
        "1 of 7 distinct findings, 0 of 4 distinct changes"
    )


def test_counts_are_of_cards_that_can_be_seen(opened: Open) -> None:
    page = opened(DENIED)
    choose(page, "severity", "warning")
    assert seen(page, ".finding") == 4
    expect(page.locator("#how-many")).to_contain_text("4 of")


@pytest.mark.parametrize(
    ("name", "label", "findings", "changes"),
    [
        ("severity", "error", 3, 0),
        ("state", "blocks", 2, 0),
        ("state", "introduced", 3, 0),
        ("state", "older", 3, 0),
        ("state", "waived", 1, 0),
        ("rule", "schema", 1, 0),
        ("environment", "staging", 1, 1),
        ("application", "clusters/production/shop", 6, 3),
        ("kind", "PersistentVolumeClaim", 1, 1),
        ("operation", "removed", 0, 1),
        ("risk", "data-loss", 0, 1),
    ],
)
def test_a_filter_leaves_what_has_its_value(
    opened: Open, name: str, label: str, findings: int, changes: int
) -> None:
    page = opened(DENIED)
    choose(page, name, label)
    assert seen(page, ".finding") == findings
    assert seen(page, ".change") == changes
    page.locator("#filters [type=reset]").click()
    expect(page.locator("#chosen")).to_be_hidden()
    assert seen(page, ".change") == 4
    assert not page.locator("details.part[open]").count()


def test_applications_that_failed_are_filtered_too(opened: Open) -> None:
    page = opened(EVERY["indeterminate"])
    assert seen(page, "#failed") == 1
    choose(page, "environment", "production")
    assert seen(page, "#failed") == 0
    choose(page, "environment", "staging")
    assert seen(page, "#failed") == 1


def test_filters_are_shown_one_by_one_and_can_be_taken_away(opened: Open) -> None:
    page = opened(DENIED)
    choose(page, "severity", "warning")
    choose(page, "state", "older")
    assert seen(page, ".finding") == 3
    page.get_by_role("button", name="Take away the filter state older").click()
    assert seen(page, ".finding") == 4
    assert page.get_by_role("button", name="Filters (1)").is_visible()


def test_filters_are_in_the_address(opened: Open) -> None:
    page = opened(DENIED)
    choose(page, "application", "clusters/production/shop")
    page.locator("#search").fill("a b&c")
    expect(page.locator("#how-many")).to_contain_text("0 of 7")
    assert page.url.endswith("#?application=clusters%2Fproduction%2Fshop&search=a%20b%26c")
    again = opened(DENIED, page.url.partition("#")[1] + page.url.partition("#")[2])
    assert again.locator("#search").input_value() == "a b&c"
    assert (
        again.locator("#how-many").inner_text()
        == "0 of 7 distinct findings, 0 of 4 distinct changes"
    )


def test_findings_of_changed_rules_can_be_filtered_too(opened: Open) -> None:
    page = opened(RULES)
    choose(page, "state", "no longer denied by changed rules")
    assert seen(page, ".finding") == 1
    assert page.get_by_text(WAIVED.message).is_visible()


def test_the_picture_sets_the_filters(opened: Open) -> None:
    page = opened(DENIED)
    page.locator("svg a", has_text="staging").first.click()
    expect(page.locator("#how-many")).to_have_text(
        "1 of 7 distinct findings, 1 of 4 distinct changes"
    )
    page.locator("svg a", has_text="Deployment").click()
    assert page.locator("select[name=kind] option:checked").text_content() == "Deployment"
    assert seen(page, ".change") == 1
    page.locator("svg a", has_text="production/shop").first.focus()
    page.keyboard.press("Enter")
    chosen = page.locator("select[name=application] option:checked").text_content()
    assert chosen == "clusters/production/shop"


# -------------------------------------------------------------------------- links and keys


def test_a_link_to_a_finding_opens_what_it_is_folded_into(opened: Open) -> None:
    page = opened(DENIED, f"#finding-{WAIVED.fingerprint}")
    assert page.get_by_text(WAIVED.message).is_visible()
    assert page.evaluate("document.activeElement.id") == f"finding-{WAIVED.fingerprint}"


def test_a_link_to_a_member_of_a_group_leads_to_it(opened: Open) -> None:
    page = opened(DENIED, f"#finding-{'e' * 64}")
    assert page.locator(f"[id='finding-{'e' * 64}']").is_visible()


@pytest.mark.parametrize(
    "name", ["clusters/staging/shop", "a b@c", "ünïcode", 'x" onclick="y', "%41"]
)
def test_a_link_to_an_application_leads_to_its_row(opened: Open, name: str) -> None:
    report = replace(DENIED, applications=(*DENIED.applications[:2], outcome(name, "x y")))
    page = opened(report)
    page.locator("tr", has_text=name).first.wait_for(state="attached")
    anchor = page.locator("tr", has_text=name).first.get_attribute("id")
    page.evaluate("anchor => { location.hash = '#' + anchor; }", anchor)
    page.wait_for_function("anchor => document.activeElement.id === anchor", arg=anchor)
    assert page.locator("tr", has_text=name).first.is_visible()


def test_a_link_wins_over_filters_that_hide_what_it_leads_to(opened: Open) -> None:
    page = opened(DENIED)
    page.locator("#search").fill("nothing has this")
    expect(page.locator("#how-many")).to_contain_text("0 of 7")
    page.evaluate(f"location.hash = '#finding-{UNPINNED.fingerprint}'")
    expect(page.get_by_text(UNPINNED.message)).to_be_visible()
    assert page.locator("#search").input_value() == ""


def test_nothing_that_a_link_leads_to_hides_below_the_bar(opened: Open) -> None:
    page = opened(DENIED, f"#finding-{UNPINNED.fingerprint}", viewport=NARROW)
    bar = page.locator(".bar").bounding_box()
    card = page.locator(f"[id='finding-{UNPINNED.fingerprint}']").bounding_box()
    assert bar is not None
    assert card is not None
    assert card["y"] >= bar["y"] + bar["height"]


def test_keys_search_walk_open_and_leave(opened: Open) -> None:
    page = opened(DENIED)
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == f"finding-{UNPINNED.fingerprint}"
    page.keyboard.press("Enter")
    assert page.locator(".finding details").first.get_attribute("open") is not None
    page.keyboard.press("Enter")
    assert page.locator(".finding details").first.get_attribute("open") is None
    for _ in range(3):
        page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('.change') !== null")
    before = page.locator(".change").first.get_attribute("open")
    page.keyboard.press("Enter")
    assert page.locator(".change").first.get_attribute("open") != before
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.classList.contains('finding')")
    page.keyboard.press("/")
    page.keyboard.type("j/k?")
    assert page.locator("#search").input_value() == "j/k?"
    page.keyboard.press("Escape")
    assert page.locator("#search").input_value() == ""
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_walking_passes_over_what_is_folded_or_filtered_and_ends(opened: Open) -> None:
    page = opened(DENIED)
    choose(page, "rule", "schema")
    page.locator("h1").click()
    page.keyboard.press("j")
    assert "spec.replica" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("j")
    expect(page.locator("#said")).to_have_text("That was the last one")
    assert "spec.replica" in page.evaluate("document.activeElement.textContent")


def test_single_keys_can_be_turned_off(opened: Open) -> None:
    page = opened(DENIED)
    page.keyboard.press("?")
    page.get_by_label("Single keys do this").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('.finding')") is None


def test_the_first_tab_skips_to_the_report_and_focus_can_be_seen(opened: Open) -> None:
    page = opened(DENIED)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


# -------------------------------------------------------------------------- looks


def luminance(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_until_the_reader_chooses(opened: Open, scheme: str) -> None:
    page = opened(DENIED, color_scheme=scheme)
    assert (luminance(page) < 64) == (scheme == "dark")
    page.locator("#theme").click()
    assert (luminance(page) < 64) == (scheme == "light")
    page.reload()
    assert (luminance(page) < 64) == (scheme == "light")


def test_both_ways_into_the_dark_have_the_same_colours() -> None:
    style = html.write(DENIED, ReportOptions())
    blocks = re.findall(r"--page: #0f1318;(.*?)\}", style, flags=re.DOTALL)
    assert len(blocks) == 2
    assert blocks[0].split() == blocks[1].split()


def test_side_by_side_has_the_base_on_the_left_and_the_head_on_the_right(opened: Open) -> None:
    diff = (
        "@@ -1,6 +1,7 @@\n spec:\n-  replicas: 3\n-  paused: true\n+  replicas: 5\n   a: <b>\n"
        "-  x: 1\n+  x: 1\n+  y: 2\n+  z: 3\n"
    )
    page = opened(replace(DENIED, changes=(replace(SCALED, diff=diff),)))
    unfold(page)
    page.locator("#side-by-side").click()
    cells = page.evaluate(
        "[...document.querySelector('.sides').rows].slice(1).map(r => [...r.cells].map(c => "
        "c.textContent + '|' + c.className))"
    )
    left = [one.split("|")[0] for one, _ in cells if one != "|"]
    right = [two.split("|")[0] for _, two in cells if two != "|"]
    lines = diff.splitlines()[1:]
    assert left == [line[1:] for line in lines if line[0] in " -"]
    assert right == [line[1:] for line in lines if line[0] in " +"]
    assert ["  replicas: 3|del", "  replicas: 5|ins"] in cells
    assert ["  paused: true|del", "|"] in cells
    marks = page.locator(".sides mark").all_inner_texts()
    assert marks[:2] == ["3", "5"]
    assert not page.locator("pre.diff").first.is_visible()
    page.keyboard.press("s")
    assert page.locator("pre.diff").first.is_visible()
    assert not page.locator(".sides").first.is_visible()


def test_a_narrow_window_has_diffs_one_below_the_other(opened: Open) -> None:
    page = opened(DENIED, viewport=NARROW)
    unfold(page)
    assert not page.locator("#side-by-side").is_visible()
    page.keyboard.press("s")
    assert page.locator("pre.diff").first.is_visible()


def test_a_diff_is_copied_as_a_diff(opened: Open) -> None:
    page = opened(DENIED, permissions=["clipboard-read", "clipboard-write"])
    unfold(page)
    page.locator(".change", has_text=SCALED.resource.name).get_by_text("Copy diff").first.click()
    expect(page.locator("#said")).to_have_text("Diff copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied in [change.diff for change in DENIED.changes]


def test_on_paper_there_are_no_controls_and_nothing_is_folded(opened: Open) -> None:
    page = opened(DENIED)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not page.locator(".bar").is_visible()
    assert page.get_by_text(WAIVED.message).is_visible()
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0


# -------------------------------------------------------------------------- hostile content

ATTACKS = (
    *HOSTILE,
    "<svg onload=alert(1)>",
    "<style>*{display:none}</style>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "<form action=https://evil.example><input name=x>",
    "<base href=https://evil.example>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "]]><!--",
    "<details open ontoggle=alert(1)>",
    "<template><script>alert(1)</script>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    '"><img src=x onerror=alert(1)>',
    "__proto__",
    "constructor",
    "search",
)


def hostile() -> Report:
    """The corpus in every place that a text of a repository can stand in."""
    references = [ResourceReference(api_version=t, kind=t, namespace=t, name=t) for t in ATTACKS]
    return replace(
        DENIED,
        applications=tuple(
            outcome(t, t, path=t, reason=t, moved_from=t) for t in dict.fromkeys(ATTACKS)
        ),
        findings=tuple(
            replace(
                UNPINNED, rule=t or "rule", message=t, application=t, resource=reference,
                field=(t,), location=Location(path=t, line=1, column=2), remediation=t,
                suggestion=t, documentation=t, fingerprint=t, introduced=bool(place % 2),
            )
            for place, (t, reference) in enumerate(zip(ATTACKS, references, strict=True))
        ),
        changes=tuple(
            replace(
                SCALED, application=t, resource=reference, previous=references[0], risk=(t,),
                fields=(FieldChange(path=(t,), base=t, head={t: [t]}),),
                diff=f" {t}\n-a: {t}\n+a: {t} {t}\n",
            )
            for t, reference in zip(ATTACKS, references, strict=True)
        ),
        warnings=ATTACKS,
        excerpts={f"{t}:1": f"{t} {t}" for t in ATTACKS},
        configuration={"source": ATTACKS[-1], "digest": "<img src=x onerror=alert(1)>"},
        tools=dict.fromkeys(ATTACKS, "<img src=x onerror=alert(1)>"),
    )  # fmt: skip


def test_hostile_content_brings_no_element_and_runs_nothing(opened: Open) -> None:
    page = opened(hostile())
    unfold(page)
    page.locator("#side-by-side").click()
    page.locator("#search").fill("<script>alert(1)")
    expect(page.locator("#how-many")).to_contain_text("findings")
    page.locator("#search").fill("")
    for name in ("application", "rule", "kind", "risk"):
        page.locator("#more-filters").click()
        options = page.locator(f"select[name={name}] option")
        page.locator(f"select[name={name}]").select_option(index=options.count() // 2)
        page.locator("#more-filters").click()
    page.evaluate("document.querySelectorAll('svg a').forEach(a => a.dispatchEvent("
                  "new MouseEvent('click', {bubbles: true, cancelable: true})))")  # fmt: skip
    page.wait_for_timeout(300)
    names = set(page.evaluate("[...document.querySelectorAll('*')].map(e => e.localName)"))
    assert names <= BASIC
    assert page.locator("script").count() == page.locator("style").count() == 1
    assert (
        page.evaluate(
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
            ".filter(a => /^on|^src|^style$|^action$|^formaction$/.test(a.name)"
            " && a.ownerElement !== document.documentElement).length"
        )
        == 0
    )
    leads = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert all(lead.startswith(("#", "https://")) for lead in leads)


def test_even_a_script_that_got_in_could_not_run_or_call_out(browser: Browser) -> None:
    text = html.write(DENIED, ReportOptions())
    evil = "<script>window.owned=1</script><img src='https://evil.example/x' onerror='owned=2'>"
    broken = text.replace("<main ", f"{evil}<main ")
    page = browser.new_context().new_page()
    asked: list[str] = []

    def serve(route: Route, request: Request) -> None:
        asked.append(request.url)
        route.fulfill(body=broken, content_type="text/html")

    page.route("**/*", serve)
    page.goto("http://ci.example/report.html")
    page.wait_for_timeout(200)
    assert page.evaluate("window.owned") is None
    assert asked == ["http://ci.example/report.html"]
    page.context.close()


# -------------------------------------------------------------------------- large reports


def test_a_large_report_opens_and_is_searched_in_moments(opened: Open) -> None:
    # No `expect` here: it describes the whole page to itself when it has to try again.
    start = time.monotonic()
    page = opened(large())
    loaded = time.monotonic() - start
    start = time.monotonic()
    page.locator("#search").fill("Container 4321 uses")
    page.wait_for_function("() => document.getElementById('how-many').textContent")
    searched = time.monotonic() - start
    assert " of 10000 distinct findings" in str(page.locator("#how-many").text_content())
    assert page.get_by_text("Container 4321 uses redis:latest").is_visible()
    start = time.monotonic()
    page.locator("#filters [type=reset]").click()
    page.wait_for_function("() => document.getElementById('chosen').hidden")
    page.locator("h1").click()
    page.keyboard.press("j")
    walked = time.monotonic() - start
    assert page.evaluate("document.activeElement.className") == "finding"
    print(f"opened in {loaded:.1f} s, searched in {searched:.1f} s, cleared in {walked:.1f} s")
    assert loaded < 40
    assert searched < 15
    assert walked < 20


def test_small_reports_show_their_diffs_and_large_ones_wait_to_be_asked(opened: Open) -> None:
    page = opened(DENIED)
    opened_ones = page.locator(".change[open]").count()
    assert opened_ones == 3
    assert CLAIM_GONE.diff.splitlines()[1] in page.locator("main").inner_text()
    many = tuple(
        replace(
            SCALED, resource=replace(SCALED.resource, name=f"web-{n}"), diff=SCALED.diff + f"+{n}"
        )
        for n in range(40)
    )
    assert opened(replace(DENIED, changes=many)).locator(".change[open]").count() == 0
