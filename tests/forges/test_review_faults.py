"""Every request of a review fails once in every way, and nothing comes of it that should not.

Whatever goes wrong, and wherever: the verdict is never milder than without it, nothing is there
twice, the token goes nowhere else, and the next run sets right what is left. Time is the only
thing that is not real.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.ci import detect
from gitops_gate.errors import GitOpsGateError
from gitops_gate.forges import http
from gitops_gate.pipeline import Options
from gitops_gate.review.run import Setting, check_here, publish_report
from gitops_gate.source import open_repository
from gitops_gate.verdict.values import Report, Verdict
from tests.forges import test_review_github as on_github
from tests.forges import test_review_gitlab as on_gitlab
from tests.forges.gitlab import scenario
from tests.forges.serving import Elsewhere, Fault, Loopback, Reply, Request
from tests.forges.test_review_approvals_github import Review
from tests.forges.test_review_github import deployment
from tests.forges.test_review_github import world as github_world  # noqa: F401 - a fixture
from tests.forges.test_review_gitlab import ONE_MORE
from tests.forges.test_review_gitlab import world as gitlab_world  # noqa: F401 - a fixture

HARMLESS = {"apps/web.yaml": deployment("registry.example.com/web@sha256:" + "b" * 64)}


@dataclass
class Play:
    """A change on a forge that can be put back to how it was.

    `shown` gives what is to be seen there: our comments, those on lines, the statuses by name.
    """

    server: Any
    repository: Path
    environment: Mapping[str, str]
    token: str
    save: Callable[[], Any]
    restore: Callable[[Any], None]
    shown: Callable[[], tuple[list[str], list[str], list[tuple[str, str]]]]
    elsewhere: Loopback = field(default_factory=lambda: Loopback(Elsewhere()))

    def report(self) -> Report:
        """What the job without privileges finds."""
        with open_repository(self.repository) as repository:
            environment = detect(self.environment)
            assert environment is not None
            return check_here(repository, environment, None, None, Options(jobs=1))

    def publish(self, report: Report) -> Verdict | None:
        """The verdict that the second half comes to, None where it ended with an error."""
        with open_repository(self.repository) as repository:
            environment = detect(self.environment)
            assert environment is not None
            setting = Setting(
                environment=environment,
                repository=repository,
                token=self.token,
                sleep=lambda _: None,
            )
            try:
                done = publish_report(setting, report, Options(jobs=1), certified=True)
            except GitOpsGateError as error:
                verdict, said = None, [str(error)]
            else:
                verdict, said = done.report.verdict, [*done.notes, *done.published.lines]
        assert self.token not in "\n".join(said)
        return verdict


def answered(name: str, reply: Reply, times: int | None = 1) -> Callable[[Play, int], object]:
    return lambda play, skip: play.server.faults.reply(
        "*", reply, name=name, times=times, skip=skip
    )


def altered(alter: Callable[[Any], Any]) -> Callable[[Play, int], object]:
    """Something else than what the forge answered, in its own shape."""

    def after(_request: Request, reply: Reply) -> Reply:
        try:
            value = reply.json()
        except ValueError:
            return reply
        return replace(reply, body=json.dumps(alter(value)).encode())

    return lambda play, skip: play.server.faults.add(
        Fault(name="altered", operation="*", skip=skip, after=after)
    )


def lists_cut_to(length: int) -> Callable[[Any], Any]:
    def alter(value: Any) -> Any:
        if isinstance(value, list):
            return [alter(one) for one in value[:length]]
        if isinstance(value, dict):
            return {name: alter(one) for name, one in value.items()}
        return value

    return alter


def partial(value: Any) -> Any:
    """GraphQL's way: data, and an error about a part of it."""
    if isinstance(value, dict) and "data" in value:
        error = {"type": "INTERNAL", "path": ["repository"], "message": "Something went wrong"}
        return {**value, "errors": [error]}
    return value


REFUSED = Reply.of({"message": "Resource not accessible by integration"}, 403)
FAULTS: Mapping[str, Callable[[Play, int], object]] = {
    "429": lambda play, skip: play.server.faults.too_many_requests("*", skip=skip),
    "403": answered("403", REFUSED),
    "403 from then on": answered("403", REFUSED, times=None),
    "404": answered("404", Reply.of({"message": "Not Found"}, 404)),
    "500": lambda play, skip: play.server.faults.bad_gateway("*", status=500, skip=skip),
    "502, stored": lambda play, skip: play.server.faults.bad_gateway(
        "*", committed=True, skip=skip
    ),
    "502 from then on": lambda play, skip: play.server.faults.bad_gateway(
        "*", times=None, skip=skip
    ),
    "dropped": lambda play, skip: play.server.faults.drop("*", skip=skip),
    "dropped, stored": lambda play, skip: play.server.faults.drop("*", committed=True, skip=skip),
    "redirected": lambda play, skip: play.server.faults.redirect(
        "*", play.elsewhere.origin, skip=skip
    ),
    "reordered": lambda play, skip: play.server.faults.reorder("*", skip=skip),
    "nothing": answered("nothing", Reply.of({})),
    "an empty list": answered("an empty list", Reply.of([])),
    "lists cut to one": altered(lists_cut_to(1)),
    "lists emptied": altered(lists_cut_to(0)),
    "partial": altered(partial),
}


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits take no time, and the clock goes on all the same."""
    real, slept = http.Clock(), [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    clock = http.Clock(
        monotonic=lambda: real.monotonic() + slept[0],
        now=lambda: real.now() + slept[0],
        sleep=sleep,
    )
    monkeypatch.setattr(http, "Clock", lambda: clock)


def _of_github(world: on_github.World) -> Play:
    server = world.server

    def restore(saved: Any) -> None:
        server.world = server.github.world = copy.deepcopy(saved)

    def shown() -> tuple[list[str], list[str], list[tuple[str, str]]]:
        repository = next(r for r in server.world.repositories.values() if r.id == on_github.ID)
        pull = repository.pulls[world.pull.number]
        lines = [f"{t.path}:{t.line} {t.comments[0].body}" for t in pull.threads]
        states = [(one.context, one.state) for one in repository.statuses]
        return [one.body for one in pull.comments], lines, states

    return Play(
        server=server,
        repository=world.git.folder,
        environment=world.environment,
        token=on_github.TOKEN,
        save=lambda: copy.deepcopy(server.world),
        restore=restore,
        shown=shown,
    )


def _of_gitlab(world: on_gitlab.World) -> Play:
    def restore(saved: Any) -> None:
        world.server.gitlab.state = saved.copy()

    def shown() -> tuple[list[str], list[str], list[tuple[str, str]]]:
        inline = [f"{one.position} {one.body}" for one in world.inline]
        # GitLab takes no second "pending" after a first; "running" holds as much.
        states = [(name, state.replace("running", "pending")) for name, state in world.statuses]
        return world.notes, inline, states

    return Play(
        server=world.server,
        repository=world.git.folder,
        environment=world.environment,
        token=scenario.TOKEN,
        save=lambda: copy.deepcopy(world.state),
        restore=restore,
        shown=shown,
    )


@pytest.fixture
def github_play(
    github_world: on_github.World,  # noqa: F811 - the fixture
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Play:
    """A change on GitHub that is denied, or waits since its approver took it back."""
    if request.param != "deny":
        review = Review(github_world, lambda *_: None, tmp_path)  # type: ignore[arg-type]
        review.rules()
        review.approve(review.rita)
        if request.param == "pending":
            review.approve(review.rita, state="CHANGES_REQUESTED", body="on second thoughts, no")
        github_world.event("pull_request_target", on_github.request_event(github_world))
    return _of_github(github_world)


@pytest.fixture
def gitlab_play(
    gitlab_world: on_gitlab.World,  # noqa: F811 - the fixture
    request: pytest.FixtureRequest,
) -> Play:
    """A change on GitLab that is denied, or waits since its approver pushed to it."""
    world = gitlab_world
    if request.param != "deny":
        world.state.user("alice").emails += ["author@example.com", "committer@example.com"]
        rules = (world.git.folder / ".gitops-gate.yaml").read_text() + ONE_MORE
        world.commit("main", {".gitops-gate.yaml": rules})
        world.commit("change", HARMLESS)
        if request.param == "pending":
            world.git.write("apps/more.yaml", on_github.config_map("x", "more"))
            world.git.commit()
            world.state.push(world.mr, by="bob")
        world.environment["CI_COMMIT_SHA"] = world.rev("change")
        world.state.approve(world.mr, "bob")
    return _of_gitlab(world)


VERDICTS = {"deny": Verdict.DENY, "pending": Verdict.PENDING, "allow": Verdict.ALLOW}
everything = pytest.mark.parametrize("name", FAULTS)


def through_it_all(play: Play, name: str, wanted: Verdict) -> None:
    """One run for each request, in which that one fails; then one in which nothing does."""
    report = play.report()
    saved = play.save()
    play.server.forget()
    assert play.publish(report) is wanted
    requests = len(play.server.log)
    usual = play.shown()
    assert 5 <= requests <= 13
    with play.elsewhere:
        for place in range(requests):
            play.restore(saved)
            play.server.faults.clear()
            FAULTS[name](play, place)
            found = play.publish(report)
            said = f"{name} at request {place}: {found}"
            assert found is None or not _milder(found, wanted), said
            comments, lines, states = play.shown()
            assert wanted is Verdict.ALLOW or ("gitops-gate", "success") not in states, said
            assert len(comments) <= len(usual[0]), said
            assert max(Counter(lines).values(), default=0) <= 1, said
            play.server.faults.clear()
            assert play.publish(report) is wanted, said
            comments, lines, states = play.shown()
            assert (comments, sorted(lines)) == (usual[0], sorted(usual[1])), said
            assert states[-1] == usual[2][-1], said
        assert play.elsewhere.log == ()


def _milder(found: Verdict, wanted: Verdict) -> bool:
    order = (Verdict.ALLOW, Verdict.PENDING, Verdict.DENY)
    if found is Verdict.INDETERMINATE:
        return False
    return order.index(found) < order.index(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("github_play", VERDICTS, indirect=True, ids=str)
@everything
def test_on_github(github_play: Play, name: str, request: pytest.FixtureRequest) -> None:
    wanted = request.node.callspec.params["github_play"]
    through_it_all(github_play, name, VERDICTS[wanted])


@pytest.mark.slow
@pytest.mark.parametrize("gitlab_play", VERDICTS, indirect=True, ids=str)
@everything
def test_on_gitlab(gitlab_play: Play, name: str, request: pytest.FixtureRequest) -> None:
    wanted = request.node.callspec.params["gitlab_play"]
    through_it_all(gitlab_play, name, VERDICTS[wanted])
