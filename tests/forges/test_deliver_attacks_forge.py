"""A forge that lies, lags or sends elsewhere while a branch is delivered from it."""

from __future__ import annotations

import base64
import datetime
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.forges.delivering import DELIVERER, ID, NAME, READER, STORE, Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.github import actions
from tests.forges.github.server import GitHubServer
from tests.forges.serving import Fault, Reply, Request

pytestmark = pytest.mark.slow

ACTIVITIES = "repos/list-activities"
NEW: dict[str, str | None] = {"apps/settings.yaml": config_map("new")}


@pytest.fixture
def pull(ground: Ground) -> Any:
    """A pull request that rita approved, on a branch that was delivered up to it."""
    assert ground.deliver().code == 0
    made = ground.change("new", NEW)
    ground.server.approve(made, by="rita")
    return made


def lying(ground: Ground, operation: str, change: Any, **more: Any) -> None:
    """Let `change` edit what the forge answers."""

    def after(_: Request, reply: Reply) -> Reply:
        return Reply.of(change(reply.json()), reply.status)

    ground.server.faults.add(
        Fault(name="lie", operation=operation, times=None, after=after, **more)
    )


def of_branch(name: str) -> Any:
    return lambda request: request.parameter("ref") in (name, f"refs/heads/{name}")


class TestTheRecordOfTheBranch:
    def test_an_empty_one_does_not_mean_that_nothing_moved(self, ground: Ground, pull: Any) -> None:
        with ground.server.work():
            world, ann = ground.server.world, ground.server.account("ann")
            actions.comment(world, pull, ann, "what people say changes nothing")
        ground.land(pull, by=None)
        lying(ground, ACTIVITIES, lambda _: [], matches=of_branch("main"))
        before = ground.delivered
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "not_approved"), done.out
        assert ground.delivered == before
        ground.server.faults.clear()
        assert ground.deliver().code == 0

    def test_one_that_ends_before_the_landing_says_nothing(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        tip = ground.main
        lying(
            ground, ACTIVITIES, lambda all_: [one for one in all_ if one["after"] != tip],
            matches=of_branch("main"),
        )  # fmt: skip
        before = ground.delivered
        assert ground.deliver().code != 0
        assert ground.delivered == before


class TestTwoAnswers:
    @pytest.mark.parametrize(
        "lie",
        [
            {"base": {"ref": "other"}},
            {"merged_at": None, "merged": False},
            {"merge_commit_sha": "0" * 40},
        ],
        ids=["base", "merged", "commit"],
    )
    def test_about_one_change_decide_nothing(
        self, ground: Ground, pull: Any, lie: dict[str, Any]
    ) -> None:
        ground.land(pull, by=None)

        def change(value: dict[str, Any]) -> dict[str, Any]:
            base = {**value["base"], **lie.get("base", {})}
            return {**value, **lie, "base": base}

        lying(ground, "pulls/get", change)
        before = ground.delivered
        assert ground.deliver().code in (1, 2)
        assert ground.delivered == before

    def test_another_repository_than_the_pinned_one(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        lying(ground, "repos/get", lambda value: {**value, "id": ID + 1})
        lying(ground, "repos/list-pull-requests-associated-with-commit", lambda _: [])
        before = ground.delivered
        done = ground.deliver()
        assert done.code == 2, done.out
        assert ground.delivered == before

    def test_a_change_that_is_not_of_this_commit(self, ground: Ground, pull: Any) -> None:
        """The forge names an approved change for a direct push."""
        ground.land(pull, by=None)
        assert ground.deliver().code == 0
        evil = {"apps/settings.yaml": config_map("evil")}
        ground.server.direct(ground.shop, "main", evil, by="mia")
        listed: list[Any] = []
        lookup = "repos/list-pull-requests-associated-with-commit"
        shape = ground.shop.pulls[pull.number]
        assert shape.merge_commit

        def change(value: list[Any]) -> list[Any]:
            listed.append(value)
            return [*value, *[one for one in ground_pulls(ground) if one["number"] == pull.number]]

        lying(ground, lookup, change)
        done = ground.deliver()
        assert done.code == 1, done.out + done.err
        assert listed


def ground_pulls(ground: Ground) -> list[dict[str, Any]]:
    """All pull requests as the forge lists them."""
    import urllib.request

    request = urllib.request.Request(
        f"{ground.server.api_url}/repos/{NAME}/pulls?state=all",
        headers={"Authorization": f"Bearer {READER}", "User-Agent": "test"},
    )
    with urllib.request.urlopen(request) as reply:
        found: list[dict[str, Any]] = json.loads(reply.read())
    return found


class TestElsewhere:
    """No credential follows a redirect to another host."""

    @pytest.fixture
    def other(self) -> Iterator[GitHubServer]:
        with GitHubServer() as server:
            yield server
            server.violations.clear()

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    @pytest.mark.parametrize(
        "operation",
        ["repos/get", "graphql/*", "pulls/get", "git-upload-pack", "git-receive-pack"],
    )
    def test_a_redirect_gets_no_token(
        self, ground: Ground, pull: Any, other: GitHubServer, operation: str, status: int
    ) -> None:
        ground.land(pull, by=None)

        def before(request: Request) -> Reply:
            place = f"{other.origin}{request.raw_path}"
            return Reply(status=status, headers=(("Location", place),))

        ground.server.faults.add(
            Fault(name="redirect", operation=operation, times=None, before=before)
        )
        was = ground.delivered
        done = ground.deliver()
        assert done.code == 2, done.out + done.err
        assert ground.delivered == was
        for entry in other.log:
            assert "authorization" not in entry.headers
            assert READER not in entry.body + entry.path
            assert DELIVERER not in entry.body + entry.path


class TestOfWhatCallersMayOverride:
    """The variables of a pipeline say nothing that the configuration pins."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GITHUB_REPOSITORY_ID", "4712"),
            ("GITHUB_API_URL", "https://evil.example/api/v3"),
            ("GITHUB_SERVER_URL", "https://evil.example"),
            ("GITHUB_GRAPHQL_URL", "https://evil.example/graphql"),
            ("GITHUB_API_URL", "http://127.0.0.1:1"),
        ],
    )
    def test_another_place_is_refused_before_any_request(
        self, ground: Ground, pull: Any, name: str, value: str
    ) -> None:
        ground.land(pull, by=None)
        ground.environment[name] = value
        ground.server.forget()
        was = ground.delivered
        done = ground.deliver()
        if name == "GITHUB_SERVER_URL" and done.code == 0:
            return  # it is not used: where the repository is comes from the pin
        assert done.code == 2, done.out + done.err
        assert len(ground.server.log) == 0
        assert ground.delivered == was

    def test_another_repository_of_the_same_forge(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        ground.server.repository("acme/other", number=4712, collaborators={"ann": "write"})
        ground.environment["GITHUB_REPOSITORY"] = "acme/other"
        was = ground.delivered
        done = ground.deliver()
        assert done.code == 2, done.out + done.err
        assert ground.delivered == was

    @pytest.mark.parametrize("ref", ["refs/tags/v1", "refs/heads/evil", "refs/pull/2/merge"])
    def test_a_push_of_another_ref_delivers_nothing_of_main(
        self, ground: Ground, pull: Any, ref: str
    ) -> None:
        ground.land(pull, by=None)
        from pathlib import Path

        event = {"ref": ref, "before": "0" * 40, "after": ground.main}
        Path(ground.environment["GITHUB_EVENT_PATH"]).write_text(json.dumps(event))
        was = ground.delivered
        assert ground.deliver().code == 2
        assert ground.delivered == was

    def test_a_direct_push_that_pins_another_forge(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        text = ground.rules().replace(ground.server.origin, "https://evil.example")
        ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
        ground.server.forget()
        done = ground.deliver()
        assert done.code == 2, done.out + done.err
        assert len(ground.server.log) == 0


class TestAServer:
    def test_that_cannot_move_refs_together_moves_none(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        ground.shop.takes_atomic_pushes = False
        was = ground.delivered, ground.attested
        done = ground.deliver()
        assert done.code == 2, done.out + done.err
        assert (ground.delivered, ground.attested) == was

    @pytest.mark.parametrize("hours", [-30, 30])
    def test_whose_clock_is_hours_off(self, ground: Ground, pull: Any, hours: int) -> None:
        world = ground.server.world
        now = world.now()
        off = datetime.timedelta(hours=hours)
        world.clock = lambda: now + off + datetime.timedelta(seconds=len(ground.server.log))
        ground.land(pull, by=None)
        done = ground.deliver()
        assert done.code in (0, 1, 2)
        assert "Traceback" not in done.err

    def test_that_answers_with_something_else(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        for operation in ("pulls/get", ACTIVITIES, "repos/get", "graphql/*"):
            for body in (b"[]", b"{}", b"null", b'"x"', b"<html>", b"\xff", b"[[[" * 99_999):
                ground.server.faults.clear()
                reply = Reply(body=body, headers=(("Content-Type", "application/json"),))
                ground.server.faults.reply(operation, reply, name="strange", times=None)
                was = ground.delivered
                done = ground.deliver()
                # An empty record of pushes is one: then no approval can be placed in it.
                code = 1 if (operation, body) == (ACTIVITIES, b"[]") else 2
                assert done.code == code, (operation, body[:9], done.out, done.err)
                assert "Traceback" not in done.err
                assert ground.delivered == was


@pytest.mark.parametrize(("steps", "most"), [(1, 25), (10, 75)])
def test_a_delivery_asks_the_forge_so_often_and_no_more(
    ground: Ground, steps: int, most: int
) -> None:
    assert ground.deliver().code == 0
    for number in range(steps):
        files: dict[str, str | None] = {"apps/settings.yaml": config_map(f"v{number}")}
        ground.land(ground.change(f"change-{number}", files))
    ground.server.forget()
    assert len(ground.deliver().one["steps"]) == steps
    assert len(ground.server.log) <= most, Counter(one.operation for one in ground.server.log)


def test_an_attestation_does_not_name_every_application_for_every_step(ground: Ground) -> None:
    """Hundreds of steps of a large repository, behind a freeze, still fit into one."""
    files: dict[str, str | None] = {
        f"apps-{number}/settings.yaml": config_map("old", f"settings-{number}")
        for number in range(30)
    }
    ground.land(ground.change("many", files))
    assert ground.deliver().code == 0
    for number in range(3):
        more: dict[str, str | None] = {"apps/settings.yaml": config_map(f"v{number}")}
        ground.land(ground.change(f"change-{number}", more))
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    listed = ground.shop.git("ls-tree", "-r", "--name-only", STORE).split()
    path = max(name for name in listed if name.endswith(".jsonl"))
    record = json.loads(ground.shop.git("show", f"{STORE}:{path}").splitlines()[0])
    body = json.loads(base64.b64decode(record["payload"]))["predicate"]["body"]
    assert len(body["steps"]) == 3
    for step in body["steps"]:
        assert [one["name"] for one in step["report"]["applications"]] == ["apps"]
    assert ground.verify(ground.main).code == 0
