"""Shows what the state holds as the JSON objects of the REST API (`lib/api/entities`)."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Any

from tests.forges.gitlab.access import Caller, group_members, project_members
from tests.forges.gitlab.repository import CommitFacts
from tests.forges.gitlab.state import (
    DEVELOPER,
    MAINTAINER,
    AccessEntry,
    ApprovalRule,
    Group,
    MergeRequest,
    Note,
    Pipeline,
    Project,
    ProtectedBranch,
    PushEvent,
    State,
    Status,
    Token,
    User,
    stamp,
)

Json = dict[str, Any]
VARIABLE_VALUE = "a-secret-that-nobody-may-see"


@dataclass(frozen=True, kw_only=True)
class Entities:
    """Shows objects to a caller. `web` is the address of the web pages, without a slash."""

    state: State
    web: str
    caller: Caller

    # ------------------------------------------------------------------ people and groups

    def user(self, user: User | int) -> Json:
        """`UserBasic`."""
        found = self.state.users[user] if isinstance(user, int) else user
        return {
            "id": found.id,
            "username": found.username,
            "public_email": "",
            "name": found.name,
            "state": found.state,
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.web}/{found.username}",
        }

    def current_user(self, user: User) -> Json:
        """`CurrentUser`."""
        email = user.emails[0] if user.emails else None
        return {
            **self.user(user),
            "bot": user.bot,
            "created_at": "2020-01-01T00:00:00.000Z",
            "email": email,
            "commit_email": email,
            "is_admin": user.administrator,
            "external": False,
            "two_factor_enabled": False,
        }

    def member(self, user: int, level: int) -> Json:
        """`Member`."""
        return {
            **self.user(user),
            "access_level": level,
            "created_at": "2020-01-01T00:00:00.000Z",
            "expires_at": None,
            "membership_state": "active",
        }

    def token(self, token: Token) -> Json:
        """`AccessToken`."""
        return {
            "id": token.id,
            "name": token.name,
            "description": None,
            "revoked": token.revoked,
            "created_at": "2026-01-01T00:00:00.000Z",
            "scopes": token.scopes,
            "user_id": token.user,
            "last_used_at": None,
            "active": not (token.revoked or token.expired),
            "expires_at": "2027-01-01",
        }

    def group(self, group: Group) -> Json:
        """`Group`."""
        return {
            "id": group.id,
            "name": group.path.rpartition("/")[2],
            "path": group.path.rpartition("/")[2],
            "full_path": group.path,
            "full_name": group.path.replace("/", " / "),
            "description": "",
            "visibility": group.visibility,
            "web_url": f"{self.web}/groups/{group.path}",
            "parent_id": group.parent,
        }

    # ------------------------------------------------------------------ projects

    def project(self, project: Project) -> Json:
        """`Project`."""
        namespace, _, name = project.path.rpartition("/")
        web = f"{self.web}/{project.path}"
        shown = {
            "id": project.id,
            "name": name,
            "path": name,
            "path_with_namespace": project.path,
            "name_with_namespace": project.path.replace("/", " / "),
            "description": None,
            "default_branch": project.default_branch,
            "visibility": project.visibility,
            "created_at": "2020-01-01T00:00:00.000Z",
            "web_url": web,
            "http_url_to_repo": f"{web}.git",
            "ssh_url_to_repo": f"git@gitlab.example:{project.path}.git",
            "archived": project.archived,
            "empty_repo": project.repository is None,
            "namespace": {
                "id": project.group or 1,
                "name": namespace,
                "path": namespace.rpartition("/")[2],
                "kind": "group" if project.group else "user",
                "full_path": namespace,
                "parent_id": None,
                "web_url": f"{self.web}/groups/{namespace}",
            },
            "merge_method": project.merge_method,
            "squash_option": project.squash_option,
            "only_allow_merge_if_pipeline_succeeds": project.pipelines_must_succeed,
            "allow_merge_on_skipped_pipeline": project.skipped_pipelines_pass,
            "only_allow_merge_if_all_discussions_are_resolved": (
                project.discussions_must_be_resolved
            ),
            "remove_source_branch_after_merge": True,
            "merge_requests_enabled": True,
            "can_create_merge_request_in": self.caller.level(project) >= DEVELOPER,
            "jobs_enabled": True,
            "ci_config_path": project.ci_config_path,
            "ci_job_token_scope_enabled": False,
            "ci_push_repository_for_job_token_allowed": project.job_token_pushes,
            "ci_allow_fork_pipelines_to_run_in_parent_project": project.fork_pipelines,
            "permissions": self._permissions(project),
        }
        if project.fork_of is not None:
            origin = self.state.projects[project.fork_of]
            shown["forked_from_project"] = {"id": origin.id, "path_with_namespace": origin.path}
        if self.state.premium:
            shown["merge_pipelines_enabled"] = project.merge_trains
            shown["merge_trains_enabled"] = project.merge_trains
            shown["approvals_before_merge"] = 0
        return shown

    def _permissions(self, project: Project) -> Json:
        user = self.caller.user.id if self.caller.user else 0
        group = self.state.groups[project.group] if project.group else None
        levels = {
            "project_access": project.members.get(user),
            "group_access": group_members(self.state, group).get(user) if group else None,
        }
        return {
            name: None if level is None else {"access_level": level, "notification_level": 3}
            for name, level in levels.items()
        }

    def protected_branch(self, branch: ProtectedBranch) -> Json:
        """`ProtectedBranch`."""
        shown = {
            "id": _number(branch.name),
            "name": branch.name,
            "push_access_levels": [self._access(entry) for entry in branch.push],
            "merge_access_levels": [self._access(entry) for entry in branch.merge],
            "allow_force_push": branch.force_push,
        }
        if self.state.premium:
            shown["unprotect_access_levels"] = [self._access(entry) for entry in branch.unprotect]
            shown["code_owner_approval_required"] = branch.code_owners
            shown["inherited"] = branch.inherited
        return shown

    def protected_tag(self, name: str) -> Json:
        """`ProtectedTag`, which maintainers may make."""
        return {"name": name, "create_access_levels": [self._access(AccessEntry(level=40))]}

    def variable(self, name: str, *, protected: bool) -> Json:
        """`Variable`."""
        return {
            "variable_type": "env_var", "key": name, "value": VARIABLE_VALUE,
            "protected": protected, "masked": True, "raw": False, "environment_scope": "*",
        }  # fmt: skip

    def _access(self, entry: AccessEntry) -> Json:
        names = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers", 60: "Admins"}
        shown: Json = {
            "id": _number(repr(entry)),
            "access_level": 40 if entry.deploy_key else entry.level,
            "access_level_description": names.get(entry.level or -1, "No one"),
            "deploy_key_id": entry.deploy_key,
        }
        if entry.level == 0:
            shown["access_level_description"] = "No one"
        if entry.deploy_key:
            shown["access_level_description"] = "Deploy key"
        if entry.user is not None:
            shown["access_level_description"] = self.state.users[entry.user].name
        if entry.group is not None:
            shown["access_level_description"] = self.state.groups[entry.group].path
        if self.state.premium:
            shown |= {"user_id": entry.user, "group_id": entry.group}
        return shown

    def commit(self, project: Project, commit: CommitFacts) -> Json:
        """`Commit`: names and addresses, never accounts."""
        return {
            "id": commit.sha,
            "short_id": commit.sha[:8],
            "created_at": commit.committed,
            "parent_ids": list(commit.parents),
            "title": commit.title,
            "message": commit.message,
            "author_name": commit.author_name,
            "author_email": commit.author_email,
            "authored_date": commit.authored,
            "committer_name": commit.committer_name,
            "committer_email": commit.committer_email,
            "committed_date": commit.committed,
            "trailers": {},
            "extended_trailers": {},
            "web_url": f"{self.web}/{project.path}/-/commit/{commit.sha}",
        }

    def branch(self, project: Project, name: str, tip: CommitFacts) -> Json:
        """`Branch`."""
        rule = next((b for b in project.protected if covers(b.name, name)), None)
        return {
            "name": name,
            "merged": False,
            "protected": rule is not None,
            "default": name == project.default_branch,
            "developers_can_push": bool(rule and any(e.level == DEVELOPER for e in rule.push)),
            "developers_can_merge": bool(rule and any(e.level == DEVELOPER for e in rule.merge)),
            "can_push": self.caller.level(project) >= (MAINTAINER if rule else DEVELOPER),
            "web_url": f"{self.web}/{project.path}/-/tree/{name}",
            "commit": self.commit(project, tip),
        }

    # ------------------------------------------------------------------ pipelines and statuses

    def pipeline(self, pipeline: Pipeline) -> Json:
        """`Pipeline`."""
        web = f"{self.web}/{self.state.projects[pipeline.project].path}"
        return {
            "id": pipeline.id,
            "iid": pipeline.iid,
            "project_id": pipeline.project,
            "sha": pipeline.sha,
            "ref": pipeline.ref,
            "status": pipeline.status,
            "source": pipeline.source,
            "created_at": stamp(pipeline.created_at),
            "updated_at": stamp(pipeline.created_at),
            "web_url": f"{web}/-/pipelines/{pipeline.id}",
        }

    def job(self, pipeline: Pipeline, project: Project, user: User) -> Json:
        """`Job`: the one that a job token belongs to."""
        return {
            "id": pipeline.id * 10,
            "status": "running",
            "stage": "test",
            "name": "gitops-gate",
            "ref": pipeline.ref,
            "tag": False,
            "created_at": stamp(pipeline.created_at),
            "user": self.current_user(user),
            "commit": self.commit(project, project.git.commit(pipeline.sha)),
            "pipeline": self.pipeline(pipeline),
            "project": {"ci_job_token_scope_enabled": False},
            "web_url": f"{self.web}/{project.path}/-/jobs/{pipeline.id * 10}",
        }

    def status(self, status: Status) -> Json:
        """`CommitStatus`."""
        return {
            "id": status.id,
            "sha": status.sha,
            "ref": status.ref,
            "status": status.status,
            "name": status.name,
            "target_url": status.target_url,
            "description": status.description,
            "created_at": stamp(status.created_at),
            "started_at": stamp(status.started_at) if status.started_at else None,
            "finished_at": stamp(status.finished_at) if status.finished_at else None,
            "allow_failure": False,
            "coverage": status.coverage,
            "pipeline_id": status.pipeline,
            "author": self.user(status.author),
        }

    # ------------------------------------------------------------------ merge requests

    def merge_request_basic(self, mr: MergeRequest) -> Json:
        """`MergeRequestBasic`."""
        project = self.state.projects[mr.project]
        open_threads = any(n.resolvable and n.resolved_by is None for n in mr.notes)
        mergeable = "cannot_be_merged" if mr.conflicts else "can_be_merged"
        return {
            "id": mr.id,
            "iid": mr.iid,
            "project_id": mr.project,
            "title": mr.title,
            "description": mr.description,
            "state": mr.state,
            "created_at": stamp(mr.created_at),
            "updated_at": stamp(mr.updated_at),
            "merged_by": self.user(mr.merged_by) if mr.merged_by else None,
            "merge_user": self.user(mr.merged_by) if mr.merged_by else None,
            "merged_at": stamp(mr.merged_at) if mr.merged_at else None,
            "closed_by": self.user(mr.closed_by) if mr.closed_by else None,
            "closed_at": stamp(mr.closed_at) if mr.closed_at else None,
            "target_branch": mr.target_branch,
            "source_branch": mr.source_branch,
            "user_notes_count": sum(not n.system for n in mr.notes),
            "upvotes": 0,
            "downvotes": 0,
            "author": self.user(mr.author),
            "assignees": [self.user(u) for u in mr.assignees],
            "assignee": self.user(mr.assignees[0]) if mr.assignees else None,
            "reviewers": [self.user(u) for u in mr.reviewers],
            "source_project_id": mr.source_project,
            "target_project_id": mr.project,
            "labels": sorted(mr.labels),
            "draft": mr.draft,
            "work_in_progress": mr.draft,
            "merge_when_pipeline_succeeds": False,
            "merge_status": mergeable if mr.diff_ready else "unchecked",
            "detailed_merge_status": self._detailed(mr, open_threads=open_threads),
            "sha": self.state.head(mr),
            "merge_commit_sha": mr.merge_commit,
            "squash_commit_sha": mr.squash_commit,
            "discussion_locked": mr.locked_discussion or None,
            "should_remove_source_branch": None,
            "force_remove_source_branch": True,
            "reference": f"!{mr.iid}",
            "references": {
                "short": f"!{mr.iid}",
                "relative": f"!{mr.iid}",
                "full": f"{project.path}!{mr.iid}",
            },
            "web_url": self.merge_request_url(mr),
            "squash": mr.squash,
            "squash_on_merge": mr.squash,
            "has_conflicts": mr.conflicts,
            "blocking_discussions_resolved": not open_threads,
        }

    def merge_request_url(self, mr: MergeRequest) -> str:
        """Its page."""
        return f"{self.web}/{self.state.projects[mr.project].path}/-/merge_requests/{mr.iid}"

    def _detailed(self, mr: MergeRequest, *, open_threads: bool) -> str:
        if mr.state != "opened":
            return "not_open"
        if not mr.diff_ready:
            return "preparing"
        if mr.draft:
            return "draft_status"
        if mr.conflicts:
            return "conflict"
        project = self.state.projects[mr.project]
        if open_threads and project.discussions_must_be_resolved:
            return "discussions_not_resolved"
        return "mergeable"

    def merge_request(self, mr: MergeRequest) -> Json:
        """`MergeRequest`."""
        newest, project = mr.newest, self.state.projects[mr.project]
        ready = newest if mr.diff_ready else None
        pipeline = self.state.head_pipeline(mr)
        return {
            **self.merge_request_basic(mr),
            "subscribed": False,
            "changes_count": str(ready.size) if ready else None,
            "pipeline": self.pipeline(pipeline) if pipeline else None,
            "head_pipeline": self.pipeline(pipeline) if pipeline else None,
            "diff_refs": {
                "base_sha": ready.base,
                "head_sha": ready.head,
                "start_sha": ready.start,
            }
            if ready
            else None,
            "merge_error": None,
            "first_contribution": False,
            "user": {"can_merge": self.caller.level(project) >= MAINTAINER},
        }

    def versions(self, mr: MergeRequest) -> list[Json]:
        """`Version`s, newest first."""
        return [
            {
                "id": version.id,
                "head_commit_sha": version.head,
                "base_commit_sha": version.base,
                "start_commit_sha": version.start,
                "created_at": stamp(version.created_at),
                "merge_request_id": mr.id,
                "state": "collected" if version.size else "empty",
                "real_size": str(version.size),
                "patch_id_sha": version.patch_id,
            }
            for version in reversed(mr.versions if mr.diff_ready else mr.versions[:-1])
        ]

    def push_event(self, project: Project, event: PushEvent) -> Json:
        """A `PushEvent`."""
        named = ("pushed", "pushed to") if event.before else ("created", "pushed new")
        if event.after is None:
            named = ("removed", "deleted")
        return {
            "id": event.id,
            "project_id": project.id,
            "action_name": named[1],
            "target_id": None,
            "target_iid": None,
            "target_type": None,
            "target_title": None,
            "author_id": event.author,
            "author": self.user(event.author),
            "author_username": self.state.user(event.author).username,
            "created_at": stamp(event.created_at),
            "imported": False,
            "imported_from": "none",
            "push_data": {
                "commit_count": 0 if event.after is None else 1,
                "action": named[0],
                "ref_type": "branch",
                "commit_from": event.before,
                "commit_to": event.after,
                "ref": event.ref,
                "commit_title": None,
                "ref_count": None,
            },
        }

    # ------------------------------------------------------------------ approvals

    def approvals(self, mr: MergeRequest) -> Json:
        """`ApprovalsFree` or `ApprovalsPremium`."""
        project = self.state.projects[mr.project]
        mine = self.caller.user is not None and any(
            a.user == self.caller.user.id for a in mr.approvals
        )
        by = [self._approval(a.user, stamp(a.at)) for a in mr.approvals]
        shown: Json = {
            "user_has_approved": mine,
            "user_can_approve": not mine and self.caller.may_approve(project, mr),
            "approved": bool(mr.approvals),
            "approved_by": by,
        }
        if not self.state.licensed_code:
            return shown
        rules = self.rules_for(mr) if self.state.premium else []
        left = sum(max(0, rule.required - len(self.approved_by(mr, rule))) for rule in rules)
        return {
            "id": mr.id,
            "iid": mr.iid,
            "project_id": mr.project,
            "title": mr.title,
            "description": mr.description,
            "state": mr.state,
            "created_at": stamp(mr.created_at),
            "updated_at": stamp(mr.updated_at),
            "merge_status": "can_be_merged",
            **shown,
            "approved": left == 0,
            "approvals_required": sum(rule.required for rule in rules),
            "approvals_left": left,
            "require_password_to_approve": project.approvals.reauthentication,
            "suggested_approvers": [],
            "approvers": [],
            "approver_groups": [],
            "approval_rules_left": [],
            "has_approval_rules": bool(rules),
            "merge_request_approvers_available": self.state.premium,
            "multiple_approval_rules_available": self.state.premium,
        }

    def _approval(self, user: int, at: str) -> Json:
        shown: Json = {"user": self.user(user)}
        return shown | {"approved_at": at} if self.state.approved_at else shown

    def rules_for(self, mr: MergeRequest) -> list[ApprovalRule]:
        """The project's rules that hold for a merge request's target."""
        project = self.state.projects[mr.project]
        return [r for r in project.rules if r.branches is None or mr.target_branch in r.branches]

    def eligible(self, project: Project, rule: ApprovalRule) -> list[int]:
        """Whose approval a rule counts."""
        if rule.kind == "any_approver":
            levels = project_members(self.state, project)
            return sorted(user for user, level in levels.items() if level >= DEVELOPER)
        from_groups = [u for g in rule.groups for u in self.state.groups[g].members]
        return sorted({*rule.users, *from_groups})

    def approved_by(self, mr: MergeRequest, rule: ApprovalRule) -> list[int]:
        """Whose approvals a rule has."""
        may = self.eligible(self.state.projects[mr.project], rule)
        return [a.user for a in mr.approvals if a.user in may]

    def rule(self, project: Project, rule: ApprovalRule) -> Json:
        """What the three kinds of rule have in common."""
        groups = [self.state.groups[g] for g in rule.groups]
        seen = [g for g in groups if self.caller.sees_group(g)]
        return {
            "id": rule.id,
            "name": rule.name,
            "rule_type": rule.kind,
            "report_type": None,
            "eligible_approvers": [self.user(u) for u in self.eligible(project, rule)],
            "approvals_required": rule.required,
            "users": [self.user(u) for u in rule.users],
            "groups": [self.group(g) for g in seen],
            "contains_hidden_groups": len(seen) < len(groups),
        }

    def project_rule(self, project: Project, rule: ApprovalRule) -> Json:
        """`ProjectRule`."""
        protected = [b for b in project.protected if b.name in (rule.branches or ())]
        return {
            **self.rule(project, rule),
            "protected_branches": [self.protected_branch(b) for b in protected],
            "applies_to_all_protected_branches": False,
        }

    def merge_request_rule(self, mr: MergeRequest, rule: ApprovalRule) -> Json:
        """`MergeRequestRule`."""
        shown = self.rule(self.state.projects[mr.project], rule)
        return {**shown, "section": None, "source_rule": None, "overridden": False}

    def rule_state(self, mr: MergeRequest, rule: ApprovalRule) -> Json:
        """One rule of `ApprovalState`."""
        by = self.approved_by(mr, rule)
        return {
            **self.merge_request_rule(mr, rule),
            "code_owner": rule.kind == "code_owner",
            "approved": len(by) >= rule.required,
            "approved_by": [self.user(u) for u in by],
        }

    # ------------------------------------------------------------------ notes

    def note(self, mr: MergeRequest, note: Note, commands: Json | None = None) -> Json:
        """`Note`."""
        shown: Json = {
            "id": note.id,
            "type": note.kind,
            "body": note.body,
            "attachment": None,
            "author": self.user(note.author),
            "created_at": stamp(note.created_at),
            "updated_at": stamp(note.updated_at),
            "system": note.system,
            "noteable_id": mr.id,
            "noteable_type": "MergeRequest",
            "noteable_iid": mr.iid,
            "project_id": mr.project,
            "resolvable": note.resolvable,
            "confidential": note.internal,
            "internal": note.internal,
            "imported": False,
            "imported_from": "none",
            "commands_changes": commands or {},
        }
        if note.kind == "DiffNote":
            shown |= {"commit_id": None, "position": note.position, "suggestions": []}
        if note.resolvable:
            shown |= {
                "resolved": note.resolved_by is not None,
                "resolved_by": self.user(note.resolved_by) if note.resolved_by else None,
                "resolved_at": stamp(note.resolved_at) if note.resolved_at else None,
            }
        return shown

    def discussion(self, mr: MergeRequest, notes: list[Note]) -> Json:
        """`Discussion`."""
        return {
            "id": notes[0].discussion,
            "individual_note": notes[0].kind is None and len(notes) == 1,
            "notes": [self.note(mr, note) for note in notes],
        }


def covers(pattern: str, branch: str) -> bool:
    """Whether a protected branch's name or wildcard means a branch."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), branch) is not None


def _number(text: str) -> int:
    return zlib.crc32(text.encode()) & 0xFFFFFF
