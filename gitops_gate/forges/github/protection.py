"""How a branch is protected: by classic branch protection, by rulesets, or by both.

Of two rules the stricter one holds, so both are read and put together. Classic protection takes
`administration: read`; rulesets are for everybody who may read, but for who may pass them by.
Rulesets of the organisation are among them. `gitops_gate.forges.github.settings` reads the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from gitops_gate.errors import ForgeError
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.github.settings import bypass_of, read_settings
from gitops_gate.forges.values import Protection, RepositoryProtection, RequiredCheck

_Json = Mapping[str, Any]

_COVERS = frozenset({"pull_request", "required_status_checks", "non_fast_forward", "deletion"})
"""Rules which together leave nothing to classic protection that its exemptions could open."""
_HOLDING = _COVERS | {"update", "merge_queue", "workflows", "code_scanning"}
"""Rules that hold a change back. A ruleset of others, of commit messages say, opens nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classic:
    """Classic protection: `found` is None where there is none, `hidden` why it is not known."""

    found: _Json | None = None
    hidden: str | None = None


class GithubProtection:
    """Reads the protection of branches. `public` says that it is github.com."""

    def __init__(self, api: Api, *, public: bool) -> None:
        self._api = api
        self._public = public

    def repository(self) -> RepositoryProtection:
        """The settings beside branches; see `gitops_gate.forges.github.settings`."""
        return read_settings(self._api, public=self._public)

    def protection(self, branch: str) -> Protection:
        """The protection of a branch, given by its short name.

        Rulesets are read for a branch that is not there yet as well; classic protection cannot be.
        """
        name = quote(branch, safe="")
        about = self._branch(name)
        # The one thing about classic protection that everybody may read is that there is none.
        with as_documented("the branch"):
            none = about is not None and (about.get("protection") or {}).get("enabled") is False
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

    def _branch(self, name: str) -> _Json | None:
        try:
            found: _Json = self._api.get(
                f"{self._api.repository}/branches/{name}", can="read the branch"
            )
        except ForgeError as error:
            if error.status != 404:
                raise
            return None
        return found

    def _classic(self, name: str) -> _Classic:
        path = f"{self._api.repository}/branches/{name}/protection"
        try:
            return _Classic(found=self._api.get(path, can="read the branch's protection"))
        except ForgeError as error:
            if error.status == 404 and "not protected" in error.message.lower():
                return _Classic()
            if error.status == 404 and "branch not found" in error.message.lower():
                return _Classic(hidden="the branch is not there, so a classic rule cannot be read")
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
    about: _Json | None,
    classic: _Classic,
    rules: Sequence[_Json],
    rulesets: Sequence[_Json],
) -> Protection:
    """One value of the two kinds of protection, None where a hidden one could decide."""
    known = classic.hidden is None
    settings = classic.found or {}
    reviews = settings.get("required_pull_request_reviews") or {}
    pull_rules = _of_type(rules, "pull_request")
    review = partial(_review, reviews, pull_rules, known)
    types = {str(rule.get("type")) for rule in rules}
    unknown: tuple[str, ...] = (classic.hidden,) if classic.hidden else ()
    bypass = _bypass(reviews, _with_rules(_HOLDING, rules, rulesets)) if known else None
    if known and bypass is None:
        unknown += ("the token may not read who may pass a ruleset by",)
    protected: bool | None = bool(rules) or bool(settings)
    if not protected and not (known and about is not None):
        protected = bool((about or {}).get("protected")) or None
    return Protection(
        branch=branch,
        protected=protected,
        there=about is not None,
        required_checks=_checks(settings, about or {}, rules, known=known),
        required_approvals=_most(
            [reviews.get("required_approving_review_count")]
            + [one.get("required_approving_review_count") for one in pull_rules],
            known=known,
        ),
        dismisses_stale=review("dismiss_stale_reviews", "dismiss_stale_reviews_on_push"),
        code_owners=review("require_code_owner_reviews", "require_code_owner_review"),
        change_request=_any([bool(reviews), bool(pull_rules)], known=known),
        restricted=_any([settings.get("restrictions"), "update" in types], known=known),
        writers=_writers(settings, rules, rulesets),
        up_to_date=_any(["merge_queue" in types, *_strict(settings, rules)], known=known),
        last_push_approval=review("require_last_push_approval", "require_last_push_approval"),
        force_push=_allowed(classic, "allow_force_pushes", "non_fast_forward" in types),
        deletion=_allowed(classic, "allow_deletions", "deletion" in types),
        admins_included=_admins_included(classic, types),
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
    for rule in _of_type(rules, "required_status_checks"):
        for check in rule.get("required_status_checks") or ():
            app = check.get("integration_id")
            found.add((str(check["context"]), None if app is None else int(app)))
    ordered = sorted(found, key=lambda one: (one[0], one[1] or 0))
    return tuple(RequiredCheck(context=context, app_id=app) for context, app in ordered)


def _of_type(rules: Sequence[_Json], kind: str) -> list[_Json]:
    """The parameters of the rules of one kind."""
    return [rule.get("parameters") or {} for rule in rules if rule.get("type") == kind]


def _with_rules(
    types: Collection[str], rules: Sequence[_Json], rulesets: Sequence[_Json]
) -> list[_Json]:
    """The rulesets that some of the branch's rules of these kinds come from."""
    numbers = {rule.get("ruleset_id") for rule in rules if rule.get("type") in types}
    return [one for one in rulesets if one["id"] in numbers]


def _review(
    reviews: _Json, pull_rules: Sequence[_Json], known: bool, classic: str, ruled: str
) -> bool | None:
    """Whether a review is asked for in some way, by its name in classic protection and in rules."""
    return _any([reviews.get(classic), *(one.get(ruled) for one in pull_rules)], known=known)


def _strict(settings: _Json, rules: Sequence[_Json]) -> list[Any]:
    """Whether the checks have to be of the branch's tip, by each that says so."""
    name = "strict_required_status_checks_policy"
    ruled = [one.get(name) for one in _of_type(rules, "required_status_checks")]
    return [(settings.get("required_status_checks") or {}).get("strict"), *ruled]


def _admins_included(classic: _Classic, types: set[str]) -> bool | None:
    """Whether administrators are held too; rulesets hold them unless they are listed there."""
    if types >= _COVERS:
        return True
    if classic.hidden:
        return None
    return classic.found is None or _switch(classic.found, "enforce_admins")


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
    listed = bypass_of(rulesets)
    if listed is None:
        return None
    return tuple(sorted({*listed, *_people(reviews.get("bypass_pull_request_allowances") or {})}))


def _writers(
    settings: _Json, rules: Sequence[_Json], rulesets: Sequence[_Json]
) -> tuple[str, ...] | None:
    """Who may write a branch that a rule holds everybody off, or that classic protection does."""
    if holding := _with_rules(("update",), rules, rulesets):
        return bypass_of(holding)
    return _pushers(settings) if settings.get("restrictions") else None


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
