"""The three GraphQL queries, and where GitLab's schema defines what they ask for.

GraphQL is asked for what REST does not say (the accounts behind commits, who this token is, what
it may do) and for what would take a request of its own (a branch's tip, the project's members).
Paths are those of the public copy of GitLab's source, gitlabhq, under `app/graphql/`:

    currentUser, project          types/query_type.rb
    id, username, bot             types/user_interface.rb
    userPermissions               types/permission_types/project.rb, …/merge_request.rb
    repository.rootRef            types/repository_type.rb
    repository.commit(ref:)       resolvers/repositories/commit_resolver.rb (GitLab 17.10,
                                  https://gitlab.com/gitlab-org/gitlab/-/merge_requests/179542)
    projectMembers                resolvers/project_members_resolver.rb, types/member_interface.rb,
                                  types/access_level_type.rb, types/project_member_relation_enum.rb;
                                  the relations are those of `members/all` in REST
                                  (lib/api/helpers/members_helpers.rb)
    mergeRequest                  types/merge_request_type.rb, types/diff_refs_type.rb
    reviewers…reviewState         types/merge_requests/reviewer_type.rb,
                                  types/user_merge_request_interaction_type.rb
    headPipeline                  types/ci/pipeline_type.rb
    commits, committers           types/repositories/commit_type.rb

`FULL` is what a current GitLab answers. An older one refuses a query with a field that it does not
have, as a whole; it is then asked with `PLAIN`, and REST gives what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

PAGE = 100

_PROJECT = """
      userPermissions { pushCode createMergeRequestIn createMergeRequestFrom }
      projectMembers(
        relations: [DIRECT, INHERITED, INVITED_GROUPS, SHARED_INTO_ANCESTORS], first: 100
      ) {
        pageInfo { hasNextPage }
        nodes { user { id } accessLevel { integerValue } }
      }"""

_TIP = """
      repository { rootRef commit(ref: $base) { sha } }"""
_ROOT = """
      repository { rootRef }"""

_REVIEW = """
        userPermissions { createNote }
        reviewers(first: 100) {
          nodes { id username bot mergeRequestInteraction { reviewState } }
        }"""

_READ = """
  query review($path: ID!, $iid: String!, $review: Boolean!%(base_variable)s) {
    currentUser { id username bot }
    project(fullPath: $path) {
      id
      fullPath%(project)s%(tip)s
      mergeRequest(iid: $iid) @include(if: $review) {
        iid
        title
        state
        draft
        webUrl
        diffHeadSha
        diffRefs { baseSha startSha headSha }
        sourceBranch
        targetBranch
        sourceProjectId
        sourceProject { fullPath }
        mergeCommitSha
        headPipeline { id sha project { id } }
        author { id username bot }
        labels(first: 100) { nodes { title } }%(review)s
        committers(first: 100) { pageInfo { hasNextPage } nodes { id username bot } }
        commits(first: 100) {
          pageInfo { hasNextPage endCursor }
          nodes { sha message authorEmail %(committer)sauthor { id username bot } }
        }
      }
    }
  }
"""

_MORE_COMMITS = """
  query commits($path: ID!, $iid: String!, $after: String) {
    project(fullPath: $path) {
      id
      mergeRequest(iid: $iid) {
        commits(first: 100, after: $after) {
          pageInfo { hasNextPage endCursor }
          nodes { sha message authorEmail %(committer)sauthor { id username bot } }
        }
      }
    }
  }
"""

_TIPS = """
  query tips($path: ID!, $iid: String!%(base_variable)s) {
    project(fullPath: $path) {
      id%(tip)s
      mergeRequest(iid: $iid) { state diffHeadSha targetBranch }
    }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """What one kind of GitLab is asked. `with_base`: the queries take `$base`, a revision."""

    read: str
    more_commits: str
    tips: str
    with_base: bool


def _queries(*, full: bool) -> Queries:
    parts = {
        "project": _PROJECT if full else "",
        "tip": _TIP if full else _ROOT,
        "review": _REVIEW if full else "",
        "committer": "committerEmail " if full else "",
        "base_variable": ", $base: String!" if full else "",
    }
    return Queries(
        read=_READ % parts,
        more_commits=_MORE_COMMITS % parts,
        tips=_TIPS % parts,
        with_base=full,
    )


FULL = _queries(full=True)
PLAIN = _queries(full=False)
