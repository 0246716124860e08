"""The GraphQL texts. Each list has its fields once, for the first query and for further pages.

Schema: docs.github.com/public/fpt/schema.docs.graphql, in npm as `@octokit/graphql-schema`.
"""

from __future__ import annotations

_PERSON = "login __typename ... on User { databaseId } ... on Bot { databaseId }"
_STATUS = "context state description targetUrl creator { login }"
_SIGNATURE = "email user { databaseId login }"

_COMMENTS = f"""
fragment Comments on IssueCommentConnection {{
  totalCount
  pageInfo {{ hasPreviousPage startCursor }}
  nodes {{
    fullDatabaseId
    viewerDidAuthor
    createdAt
    lastEditedAt
    editor {{ {_PERSON} }}
    author {{ {_PERSON} }}
    body
  }}
}}
"""
_FRAGMENTS = f"""
fragment Commits on PullRequestCommitConnection {{
  totalCount
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    commit {{
      oid
      committer {{ {_SIGNATURE} }}
      authors(first: 50) {{ totalCount nodes {{ {_SIGNATURE} }} }}
    }}
  }}
}}
fragment Reviews on PullRequestReviewConnection {{
  totalCount
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    fullDatabaseId
    state
    submittedAt
    authorCanPushToRepository
    author {{ {_PERSON} }}
    commit {{ oid }}
  }}
}}
fragment Timeline on PullRequestTimelineItemsConnection {{
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    __typename
    ... on BaseRefChangedEvent {{ createdAt }}
    ... on AutomaticBaseChangeSucceededEvent {{ createdAt }}
  }}
}}
fragment Threads on PullRequestReviewThreadConnection {{
  totalCount
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    id
    isResolved
    viewerCanResolve
    path
    line
    comments(first: 1) {{ totalCount nodes {{ fullDatabaseId viewerDidAuthor body }} }}
  }}
}}
"""

_TIMELINE_TYPES = "[BASE_REF_CHANGED_EVENT, AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT]"

CHANGE_REQUEST = (
    f"""
query ChangeRequest($owner: String!, $name: String!, $number: Int!) {{
  viewer {{ login databaseId }}
  repository(owner: $owner, name: $name) {{
    databaseId
    nameWithOwner
    viewerPermission
    defaultBranchRef {{ name }}
    pullRequest(number: $number) {{
      id
      number
      title
      url
      state
      isDraft
      isCrossRepository
      createdAt
      mergedAt
      mergeCommit {{ oid }}
      author {{ {_PERSON} }}
      baseRefName
      baseRef {{ target {{ oid }} }}
      headRefName
      headRefOid
      headRepository {{ nameWithOwner }}
      labels(first: 100) {{ nodes {{ name }} }}
      commits(first: 100) {{ ...Commits }}
      reviews(first: 100) {{ ...Reviews }}
      timelineItems(first: 100, itemTypes: {_TIMELINE_TYPES}) {{ ...Timeline }}
      comments(last: 100) {{ ...Comments }}
      reviewThreads(first: 100) {{ ...Threads }}
      sharing: commits(last: 1) {{
        nodes {{
          commit {{
            oid
            associatedPullRequests(first: 50) {{
              totalCount nodes {{ number state headRefOid }}
            }}
          }}
        }}
      }}
      headCommit: commits(last: 1) {{
        nodes {{
          commit {{ oid status {{ contexts {{ {_STATUS} }} }} }}
        }}
      }}
    }}
  }}
}}
"""
    + _COMMENTS
    + _FRAGMENTS
)
"""Everything about a pull request in one request; lists with their first page."""

FURTHER_PAGES = (
    f"""
query FurtherPages(
  $id: ID!
  $commits: String, $withCommits: Boolean!
  $reviews: String, $withReviews: Boolean!
  $timeline: String, $withTimeline: Boolean!
  $comments: String, $withComments: Boolean!
  $threads: String, $withThreads: Boolean!
) {{
  node(id: $id) {{
    ... on PullRequest {{
      headRefOid
      commits(first: 100, after: $commits) @include(if: $withCommits) {{ ...Commits }}
      reviews(first: 100, after: $reviews) @include(if: $withReviews) {{ ...Reviews }}
      timelineItems(first: 100, after: $timeline, itemTypes: {_TIMELINE_TYPES})
        @include(if: $withTimeline) {{ ...Timeline }}
      comments(last: 100, before: $comments) @include(if: $withComments) {{ ...Comments }}
      reviewThreads(first: 100, after: $threads) @include(if: $withThreads) {{ ...Threads }}
    }}
  }}
}}
"""
    + _COMMENTS
    + _FRAGMENTS
)
"""The next page of every list that has one, in one request."""

REPOSITORY = """
query Repository($owner: String!, $name: String!) {
  viewer { login databaseId }
  repository(owner: $owner, name: $name) {
    databaseId
    nameWithOwner
    viewerPermission
  }
}
"""
"""Which repository it is and what the token may do there, for a run without a pull request."""

TIPS = """
query Tips($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    databaseId
    pullRequest(number: $number) {
      state
      headRefOid
      baseRefName
      baseRef { target { oid } }
    }
  }
}
"""
"""Where the head and the target are now."""

COMMENTS = (
    """
query Comments($owner: String!, $name: String!, $number: Int!, $before: String) {
  repository(owner: $owner, name: $name) {
    databaseId
    pullRequest(number: $number) {
      comments(last: 100, before: $before) { ...Comments }
    }
  }
}
"""
    + _COMMENTS
)
"""The newest hundred comments, or those before them."""

RESOLVE = """
mutation Resolve($thread: ID!) {
  resolveReviewThread(input: {threadId: $thread}) { thread { id isResolved } }
}
"""


def members_query(count: int) -> str:
    """The members of so many teams, nested ones included, in one request.

    Variables: `o0`, `t0`, `c0` for the first team's organisation, slug and cursor, and so on.
    """
    variables = ", ".join(
        f"$o{number}: String!, $t{number}: String!, $c{number}: String" for number in range(count)
    )
    teams = "\n".join(
        f"  team{number}: organization(login: $o{number}) {{ team(slug: $t{number}) {{\n"
        f"    members(first: 100, after: $c{number}, membership: ALL) {{\n"
        f"      pageInfo {{ hasNextPage endCursor }} nodes {{ databaseId }} }} }} }}"
        for number in range(count)
    )
    return f"query Members({variables}) {{\n{teams}\n}}\n"
