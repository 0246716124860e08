"""`gitops-gate blame`: which landed step brought a value that the cluster gets."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitops_gate import Options, RenderError, render
from gitops_gate.cli import main
from tests.e2e.repositories import (
    Files,
    Run,
    chart,
    config_map,
    container,
    deployment,
    edit,
    kustomization,
    manifest,
)
from tests.unit.source.repositories import GitRepository

QUIET = "version: 1\n"


class Branch:
    """A repository whose first-parent history is made step by step."""

    def __init__(self, folder: Path) -> None:
        self.repository = GitRepository(folder)

    def step(self, files: Files, message: str = "change") -> str:
        edit(self.repository, files)
        return self.repository.commit(message)

    def merge(self, files: Files, message: str) -> str:
        """A merge commit, whose second parent made the change under another message."""
        git = self.repository.git
        git("checkout", "--quiet", "-b", "topic")
        self.step(files, "work in progress")
        git("checkout", "--quiet", "main")
        git("merge", "--quiet", "--no-ff", "--message", message, "topic")
        git("branch", "--quiet", "-D", "topic")
        return git("rev-parse", "HEAD")


Blame = Callable[..., Run]


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch(tmp_path / "repository")


@pytest.fixture
def blame(
    branch: Branch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Blame:  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object, repo: Path | None = None) -> Run:
        folder = repo or branch.repository.folder
        capfd.readouterr()
        code = main(["blame", *map(str, arguments), "--repo", str(folder)])
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        report = json.loads(said.out) if "json" in arguments and said.out else {}
        return Run(code=code, out=said.out, err=said.err, report=report)

    return run


def answered(blame: Blame, *arguments: object) -> dict[str, Any]:
    run = blame(*arguments, "--format", "json")
    assert run.code == 0, run.err + run.out
    return run.report


def commits(report: dict[str, Any]) -> list[str]:
    return [step["commit"] for step in report["steps"]]


def fields(report: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [
        (".".join(map(str, field["path"])), field["before"], field["after"])
        for change in report["changes"]
        for field in change["fields"]
    ]


WEB = ("--resource", "Deployment/web")
REPLICAS = (*WEB, "--field", "spec.replicas")

# ------------------------------------------------------------------------------------- which step


def test_the_answer_is_the_step_its_message_and_the_value_before_and_after(
    branch: Branch, blame: Blame
) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)}, "Start the shop")
    scaled = branch.step({"shop/web.yaml": deployment(replicas=5)}, "Scale the shop up (#12)")
    branch.step({"README.md": "words\n"}, "Describe it")
    run = blame("shop", *REPLICAS)
    assert run.code == 0
    assert run.out == (
        "shop  Deployment shop/web  spec.replicas is 5\n"
        "\n"
        f"{scaled}  2030-01-01 00:00:00+00:00, by the committer's clock\n"
        "  Scale the shop up (#12)\n"
        "  change request #12, as the commit's message says\n"
        "  ~ Deployment shop/web  modified\n"
        "      spec.replicas: 2 → 5\n"
        "\n"
        "2 steps looked at, 3 renders\n"
    )


def test_a_merge_is_the_step_and_not_what_it_merged(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    merged = branch.merge(
        {"shop/web.yaml": deployment(replicas=3)}, "Merge pull request #7 from shop/scale"
    )
    report = answered(blame, "shop", *REPLICAS)
    assert commits(report) == [merged]
    assert report["steps"][0]["claimed_change_requests"] == ["#7"]


def test_a_value_that_changed_and_changed_back_was_brought_by_the_last_of_both(
    branch: Branch, blame: Blame
) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    branch.step({"shop/web.yaml": deployment(replicas=9)})
    back = branch.step({"shop/web.yaml": deployment(replicas=2)})
    branch.step({"shop/web.yaml": deployment("web", container(image="x:2"), replicas=2)})
    report = answered(blame, "shop", *REPLICAS)
    assert commits(report) == [back]
    assert fields(report) == [("spec.replicas", 9, 2)]


def test_without_a_field_it_is_the_newest_step_that_changes_what_the_cluster_gets(
    branch: Branch, blame: Blame
) -> None:
    files = {"shop/web.yaml": deployment(), "shop/x.yaml": config_map(), "other/x.yaml": "a: 1\n"}
    branch.step(files)
    changed = branch.step({"shop/x.yaml": config_map(colour="red", size="big")})
    branch.step({"shop/web.yaml": deployment().replace("  ", " ")}, "Reformat")
    branch.step({"other/y.yaml": config_map("other")}, "Something else")
    report = answered(blame, "shop")
    assert commits(report) == [changed]
    assert fields(report) == [("data.colour", "blue", "red"), ("data.size", None, "big")]
    assert commits(answered(blame, "shop", *WEB)) != [changed]


def test_what_was_there_from_the_start_came_with_the_first_commit(
    branch: Branch, blame: Blame
) -> None:
    first = branch.step({"shop/web.yaml": deployment(replicas=2)})
    branch.step({"README.md": "words\n"})
    report = answered(blame, "shop", *REPLICAS)
    assert commits(report) == [first]
    assert report["changes"][0]["operation"] == "added"
    assert fields(report) == [("spec.replicas", None, 2)]


def test_a_resource_that_is_gone_was_removed_by_somebody(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment(), "shop/x.yaml": config_map()})
    removed = branch.step({"shop/x.yaml": None}, "Tidy up")
    branch.step({"shop/web.yaml": deployment(replicas=7)})
    report = answered(blame, "shop", "--resource", "ConfigMap/settings")
    assert commits(report) == [removed]
    assert report["changes"][0]["operation"] == "removed"
    assert report["resource"]["name"] == "settings"


def test_a_field_that_was_taken_away_was_taken_by_somebody(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/x.yaml": config_map(colour="blue", size="big")})
    taken = branch.step({"shop/x.yaml": config_map(colour="blue")})
    branch.step({"shop/x.yaml": config_map(colour="red")})
    arguments = ("shop", "--resource", "ConfigMap/settings", "--field", "data.size")
    report = answered(blame, *arguments)
    assert commits(report) == [taken]
    assert fields(report) == [("data.size", "big", None)]
    assert "data.size is absent" in blame(*arguments).out


def test_a_container_is_followed_by_its_name_when_others_come_before_it(
    branch: Branch, blame: Blame
) -> None:
    web = container("web", "web:1")
    branch.step({"shop/web.yaml": deployment("web", container("web", "web:0"))})
    image = branch.step({"shop/web.yaml": deployment("web", web)})
    branch.step({"shop/web.yaml": deployment("web", container("aide"), web)})
    report = answered(blame, "shop", *WEB, "--field", "containers[1].image")
    assert commits(report) == [image]
    assert report["field"][-2:] == ["[name=web]", "image"]


def test_an_application_that_moved_is_followed_to_where_it_was(
    branch: Branch, blame: Blame
) -> None:
    branch.step({"old/web.yaml": deployment(replicas=2)})
    scaled = branch.step({"old/web.yaml": deployment(replicas=3)})
    branch.step({"old/web.yaml": None, "new/web.yaml": deployment(replicas=3)}, "Move it")
    report = answered(blame, "new", *REPLICAS)
    assert commits(report) == [scaled]


def test_the_configuration_of_each_commit_says_what_an_application_is(
    branch: Branch, blame: Blame
) -> None:
    excluded = "version: 1\ndiscovery: {exclude: ['shop/extra.yaml']}\n"
    branch.step(
        {
            "shop/web.yaml": deployment(),
            "shop/extra.yaml": config_map(),
            ".gitops-gate.yaml": excluded,
        }
    )
    included = branch.step({".gitops-gate.yaml": QUIET}, "Deploy the rest as well")
    branch.step({"README.md": "words\n"})
    assert commits(answered(blame, "shop", "--resource", "ConfigMap/settings")) == [included]


def test_a_field_that_one_resource_alone_has_needs_no_resource(
    branch: Branch, blame: Blame
) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2), "shop/x.yaml": config_map()})
    scaled = branch.step({"shop/web.yaml": deployment(replicas=3)})
    assert commits(answered(blame, "shop", "--field", "spec.replicas")) == [scaled]


def test_a_clone_with_attestations_is_told_where_they_are(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment()})
    assert "attested" not in blame("shop").out
    ref = "refs/remotes/origin/gitops-gate/attestations"
    branch.repository.git("update-ref", ref, "HEAD")
    assert f"Deliveries are attested in {ref}" in blame("shop").out


# -------------------------------------------------------------------------------- what is not known


def test_steps_that_cannot_be_rendered_are_passed_over(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    scaled = branch.step({"shop/web.yaml": deployment(replicas=3)})
    broken = deployment(replicas=3) + "---\nkind: [\n"
    branch.step({"shop/web.yaml": broken})
    branch.step({"shop/web.yaml": deployment(replicas=3)})
    assert commits(answered(blame, "shop", *REPLICAS)) == [scaled]


def test_steps_that_cannot_be_told_apart_are_all_named(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    one = branch.step({"shop/web.yaml": deployment(replicas=3) + "---\nkind: [\n"})
    two = branch.step({"shop/web.yaml": deployment(replicas=3)})
    branch.step({"README.md": "words\n"})
    report = answered(blame, "shop", *REPLICAS)
    assert commits(report) == [two, one]
    assert "One of these 2 steps" in blame("shop", *REPLICAS).out


def test_a_configuration_that_did_not_load_is_passed_over(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    scaled = branch.step({"shop/web.yaml": deployment(replicas=3)})
    branch.step({".gitops-gate.yaml": "versoin: 1\n"})
    branch.step({"README.md": "words\n"})
    branch.step({".gitops-gate.yaml": QUIET})
    assert commits(answered(blame, "shop", *REPLICAS)) == [scaled]


def test_beyond_the_limit_nothing_is_known(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    branch.step({"shop/web.yaml": deployment(replicas=3)})
    branch.step({"README.md": "words\n"})
    run = blame("shop", *REPLICAS, "--limit", 1)
    assert run.code == 1
    assert "not changed in the newest 1 step (look further back: --limit N)" in run.out


def test_history_that_was_not_fetched_is_not_the_start(
    branch: Branch, blame: Blame, tmp_path: Path
) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    branch.step({"README.md": "words\n"})
    address = branch.repository.folder.as_uri()
    branch.repository.git("clone", "--quiet", "--depth=1", address, str(tmp_path / "shallow"))
    run = blame("shop", *REPLICAS, repo=tmp_path / "shallow")
    assert run.code == 2
    assert "git fetch --unshallow" in run.out
    assert "nothing is known before" in run.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("shpo",), "did you mean shop?"),
        (("shop", "--resource", "web"), "KIND/NAME"),
        (("shop", *WEB, "--field", "spec..x"), "not a field"),
        (("shop", "--resource", "Secret/never"), "was never there"),
        (("shop", "--field", "metadata.name"), "2 resources of shop have the field"),
        (("shop", "--field", "spec.nothing"), "0 resources"),
        (("shop", "--branch", "nowhere"), "nowhere"),
        (("shop", "--branch=--upload-pack=x"), "not a revision name"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_question_about_what_is_not_there_exits_2_and_helps(
    branch: Branch, blame: Blame, arguments: tuple[str, ...], hint: str
) -> None:
    branch.step({"shop/web.yaml": deployment(), "shop/x.yaml": config_map()})
    run = blame(*arguments)
    assert run.code == 2
    assert hint in run.err
    assert run.out == ""


def test_a_tip_that_cannot_be_rendered_exits_2(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/web.yaml": deployment() + "---\nkind: [\n"})
    run = blame("shop")
    assert run.code == 2
    assert "shop: " in run.err


# ------------------------------------------------------------------------------------------ safety


def test_values_of_secrets_are_not_shown(branch: Branch, blame: Blame) -> None:
    def secret(word: str) -> str:
        return manifest("v1", "Secret", "db", stringData={"password": word})

    branch.step({"shop/db.yaml": secret("old-word")})
    changed = branch.step({"shop/db.yaml": secret("new-word")})
    for field in ("data.password", "data"):
        arguments = ("shop", "--resource", "Secret/db", "--field", field)
        assert commits(answered(blame, *arguments)) == [changed]
        for form in ("text", "json"):
            run = blame(*arguments, "--format", form)
            for word in ("old-word", "new-word", "b2xkLXdvcmQ", "bmV3LXdvcmQ"):
                assert word not in run.out + run.err
            assert "redacted, old value" in run.out


def test_a_message_cannot_draw_on_the_terminal(branch: Branch, blame: Blame) -> None:
    branch.step({"shop/x.yaml": config_map(colour="\x1b[31mred\u202e")}, "\x1b[2Jhidden\u202e")
    run = blame("shop", "--resource", "ConfigMap/settings", "--field", "data.colour")
    assert "\x1b" not in run.out
    assert "\u202e" not in run.out


def test_a_shortcut_that_misses_a_step_is_found_out(
    branch: Branch, blame: Blame, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch.step({"shop/web.yaml": deployment(replicas=2)})
    scaled = branch.step({"shop/web.yaml": deployment(replicas=3)})
    branch.step({"README.md": "words\n"})
    monkeypatch.setattr("gitops_gate.recovery.blame_history.History._concerns", lambda *_: False)
    assert commits(answered(blame, "shop", *REPLICAS)) == [scaled]


# ------------------------------------------------------------------------------------ real engines


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
def test_a_base_far_away_brings_a_value_and_a_generated_name_is_followed(
    branch: Branch, blame: Blame
) -> None:
    overlay = kustomization("../../base", configMapGenerator=[{"name": "s", "files": ["x.txt"]}])
    branch.step(
        {
            "base/kustomization.yaml": kustomization("web.yaml"),
            "base/web.yaml": deployment(replicas=2),
            "overlays/prod/kustomization.yaml": overlay,
            "overlays/prod/x.txt": "one",
        }
    )
    scaled = branch.step({"base/web.yaml": deployment(replicas=3)})
    generated = branch.step({"overlays/prod/x.txt": "two"})
    branch.step({"overlays/prod/kustomization.yaml": f"{overlay}# words\n"})
    report = answered(blame, "overlays/prod", *REPLICAS)
    assert commits(report) == [scaled]
    report = answered(blame, "overlays/prod")
    assert commits(report) == [generated]
    [change] = report["changes"]
    name = change["resource"]["name"]
    assert change["previous"]["name"] != name
    field = ("--field", 'data["x.txt"]')
    report = answered(blame, "overlays/prod", "--resource", f"ConfigMap/{name}", *field)
    assert fields(report) == [("data.x.txt", "one", "two")]


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
@pytest.mark.parametrize("seed", range(5))
def test_the_step_is_the_one_that_rendering_every_commit_finds(
    branch: Branch, blame: Blame, seed: int
) -> None:
    chance = random.Random(seed)
    overlays = [kustomization("../../base"), kustomization("../../base", namePrefix="x-")]
    overlays += [kustomization("../../base", replicas=[{"name": "web", "count": 7}])]
    base = {"base/kustomization.yaml": kustomization("web.yaml"), "base/web.yaml": deployment()}
    branch.step({**base, "overlays/prod/kustomization.yaml": overlays[0]})
    edits: list[Callable[[], Files]] = [
        lambda: {"base/web.yaml": deployment(replicas=chance.choice([2, 3]))},
        lambda: {"overlays/prod/kustomization.yaml": chance.choice(overlays)},
        lambda: {"other/x.yaml": config_map(colour=str(chance.random()))},
        lambda: {"base/kustomization.yaml": chance.choice([kustomization("web.yaml"), "res: ["])},
        lambda: {"README.md": str(chance.random())},
        lambda: {
            "copy/kustomization.yaml": chance.choice([kustomization("../base"), kustomization()])
        },
    ]
    line = [branch.repository.git("rev-parse", "HEAD")]
    line += [branch.step(chance.choice(edits)()) for _ in range(14)]
    line.append(branch.step({"base/kustomization.yaml": kustomization("web.yaml")}))
    found = blame("overlays/prod", "--format", "json").out
    between = newest_difference(branch.repository.folder, line, "overlays/prod")
    read = ("base", "overlays")
    shown = {c: branch.repository.git("show", "--format=", "--name-only", c) for c in between}
    assert commits(json.loads(found)) == [c for c in between if shown[c].startswith(read)]


def newest_difference(folder: Path, line: list[str], application: str) -> list[str]:
    """The newest steps across which the rendered text differs, by rendering every commit."""
    texts = [rendered_at(folder, commit, application) for commit in line]
    newer = len(line) - 1
    for older in range(len(line) - 2, -1, -1):
        if texts[older] == texts[newer]:
            newer = older
        elif texts[older] is not None:
            return line[newer:older:-1]
    return line[newer::-1]


def rendered_at(folder: Path, commit: str, application: str) -> bytes | None:
    try:
        return render(folder, head=commit, options=Options(applications=(application,)))[
            application
        ]
    except RenderError:
        return None


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
def test_a_values_file_that_an_agent_names_brings_a_value(branch: Branch, blame: Blame) -> None:
    def agent(values: str) -> str:
        source = {"path": "charts/shop", "helm": {"valueFiles": [values]}}
        return manifest("argoproj.io/v1alpha1", "Application", "shop", spec={"source": source})

    configured = (
        "version: 1\napplications:\n- {path: charts/shop, name: shop, helm: {values: [%s]}}\n"
    )
    branch.step(
        {
            ".gitops-gate.yaml": configured % "one.yaml",
            "charts/shop/Chart.yaml": chart(),
            "charts/shop/one.yaml": "colour: red\n",
            "charts/shop/two.yaml": "colour: blue\n",
            "charts/shop/templates/x.yaml": config_map(colour="{{ .Values.colour }}"),
            "agents/shop.yaml": agent("one.yaml"),
        }
    )
    switched = branch.step(
        {".gitops-gate.yaml": configured % "two.yaml", "agents/shop.yaml": agent("two.yaml")}
    )
    branch.step({"charts/shop/one.yaml": "colour: green\n"})
    report = answered(blame, "shop", "--field", "data.colour")
    assert commits(report) == [switched]
    assert fields(report) == [("data.colour", "red", "blue")]
