"""How a branch is protected: by classic branch protection, by rulesets, or by both.

Of two rules the stricter one holds, so both are read and put together. Classic protection takes
`administration: read`; rulesets are for everybody who may read, but for who may pass them by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gitops_gate.errors import ForgeError
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.values import Protection, RequiredCheck

_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classic:
    """Classic protection: `found` is None where there is none, `hidden` why it is not known."""

    found: _Json | None = None
    hidden: str | None = None


class GithubProtection:
    """Reads the protection of branches."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def protection(self, branch: str) -> Protection:
        """The protection of a branch, given by its short name."""
        name = quote(branch, safe="")
        about = self._api.get(f"{self._api.repository}/branches/{name}", can="read the branch")
        # The one thing about classic protection that everybody may read is that there is none.
        with as_documented("the branch"):
            none = (about.get("protection") or {}).get("enabled") is False
        classic = _Classic() if none else self._classic(name)
        rules = [
            rule
            for page in self._api.pages(
                f"{self._api.repository}/rules/branches/{name}", can="read the branch's rules"
            )
            for rule in page
        ]
        with as_documented("the branch's protection"):
            rulesets = self._rulesets(rules)
            return _together(branch, about, classic, rules, rulesets)

    def _classic(self, name: str) -> _Classic:
        path = f"{self._api.repository}/branches/{name}/protection"
        try:
            return _Classic(found=self._api.get(path, can="read the branch's protection"))
        except ForgeError as error:
            if error.status == 404 and "not protected" in error.message.lower():
                return _Classic()
            if error.status in (403, 404):
                return _Classic(
                    hidden="the token may not read the branch's protection: "
                    "give it `administration: read`"
                )
            raise

    def _rulesets(self, rules: Sequence[_Json]) -> Sequence[_Json]:
        """The rulesets that the branch's rules come from; one that is hidden has no fields."""
        found: list[_Json] = []
        for number in sorted({int(rule["ruleset_id"]) for rule in rules if "ruleset_id" in rule}):
            try:
                found.append(
                    self._api.get(f"{self._api.repository}/rulesets/{number}", can="read a ruleset")
                )
            except ForgeError as error:
                if error.status not in (403, 404):
                    raise
                found.append({"id": number})
        return found


def _together(
    branch: str,
    about: _Json,
    classic: _Classic,
    rules: Sequence[_Json],
    rulesets: Sequence[_Json],
) -> Protection:
    """One value of the two kinds of protection, None where a hidden one could decide."""
    known = classic.hidden is None
    settings = classic.found or {}
    reviews = settings.get("required_pull_request_reviews") or {}
    pull_rules = [_parameters(rule) for rule in rules if rule.get("type") == "pull_request"]
    types = {str(rule.get("type")) for rule in rules}
    unknown: tuple[str, ...] = (classic.hidden,) if classic.hidden else ()
    bypass = _bypass(reviews, rulesets) if known else None
    if known and bypass is None:
        unknown += ("the token may not read who may pass a ruleset by",)
    checks = _checks(settings, about, rules, known=known)
    return Protection(
        branch=branch,
        protected=bool(about["protected"]) or bool(rules) or bool(settings),
        required_checks=checks,
        required_approvals=_most(
            [reviews.get("required_approving_review_count")]
            + [one.get("required_approving_review_count") for one in pull_rules],
            known=known,
        ),
        dismisses_stale=_any(
            [reviews.get("dismiss_stale_reviews")]
            + [one.get("dismiss_stale_reviews_on_push") for one in pull_rules],
            known=known,
        ),
        code_owners=_any(
            [reviews.get("require_code_owner_reviews")]
            + [one.get("require_code_owner_review") for one in pull_rules],
            known=known,
        ),
        force_push=_allowed(classic, "allow_force_pushes", "non_fast_forward" in types),
        deletion=_allowed(classic, "allow_deletions", "deletion" in types),
        admins_included=_switch(settings, "enforce_admins") if classic.found else None,
        pushers=_pushers(settings) if known else None,
        bypass=bypass,
        details=_details(settings, rules),
        unknown=unknown,
    )


def _checks(
    settings: _Json, about: _Json, rules: Sequence[_Json], *, known: bool
) -> tuple[RequiredCheck, ...] | None:
    """The required checks of both kinds. `repos/get-branch` shows the classic ones to all."""
    classic = settings.get("required_status_checks") if known else None
    if classic is None:
        classic = (about.get("protection") or {}).get("required_status_checks")
        if classic is None and not known:
            return None
    found = set()
    listed = (classic or {}).get("checks")
    if listed is None:
        listed = [{"context": one} for one in (classic or {}).get("contexts") or ()]
    for check in listed:
        app = check.get("app_id")
        found.add((str(check["context"]), None if app in (None, -1) else int(app)))
    for rule in rules:
        if rule.get("type") == "required_status_checks":
            for check in _parameters(rule).get("required_status_checks") or ():
                app = check.get("integration_id")
                found.add((str(check["context"]), None if app is None else int(app)))
    ordered = sorted(found, key=lambda one: (one[0], one[1] or 0))
    return tuple(RequiredCheck(context=context, app_id=app) for context, app in ordered)


def _parameters(rule: _Json) -> _Json:
    parameters: _Json = rule.get("parameters") or {}
    return parameters


def _most(values: Iterable[Any], *, known: bool) -> int | None:
    return max((int(value or 0) for value in values), default=0) if known else None


def _any(values: Iterable[Any], *, known: bool) -> bool | None:
    """True when one says so; what is hidden could say so too."""
    return True if any(values) else (False if known else None)


def _allowed(classic: _Classic, field: str, ruled_out: bool) -> bool | None:
    """Whether something is allowed by everything that has a say."""
    if ruled_out:
        return False
    if classic.hidden:
        return None
    return classic.found is None or bool(_switch(classic.found, field))


def _switch(settings: _Json, field: str) -> bool:
    return bool((settings.get(field) or {}).get("enabled"))


def _pushers(settings: _Json) -> tuple[str, ...]:
    """Who alone may push, empty where everybody with write access may."""
    return _people(settings.get("restrictions") or {})


def _people(lists: _Json) -> tuple[str, ...]:
    names = [f"@{one['login']}" for one in lists.get("users") or ()]
    names += [f"team {one['slug']}" for one in lists.get("teams") or ()]
    names += [f"app {one['slug']}" for one in lists.get("apps") or ()]
    return tuple(sorted(names))


def _bypass(reviews: _Json, rulesets: Sequence[_Json]) -> tuple[str, ...] | None:
    """Who may pass by, or None where a ruleset does not show it to this token."""
    names = set(_people(reviews.get("bypass_pull_request_allowances") or {}))
    for ruleset in rulesets:
        if "bypass_actors" not in ruleset:
            return None
        for actor in ruleset["bypass_actors"] or ():
            kind, number = actor.get("actor_type"), actor.get("actor_id")
            names.add(f"{kind} {number} ({actor.get('bypass_mode')})")
    return tuple(sorted(names))


def _details(settings: _Json, rules: Sequence[_Json]) -> tuple[tuple[str, str], ...]:
    """Further settings, under GitHub's names."""
    found = {
        f"protection.{name}": str(bool(value["enabled"])).lower()
        for name, value in settings.items()
        if isinstance(value, dict) and "enabled" in value
    }
    if settings:
        found["protection.restrictions"] = "true" if settings.get("restrictions") else "false"
    for rule in rules:
        source = f"{rule.get('ruleset_source_type', '')} {rule.get('ruleset_id', '')}".strip()
        found[f"rule.{rule.get('type')}.{source}"] = "true"
    return tuple(sorted(found.items()))
