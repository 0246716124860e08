"""A GitLab of our own: a stateful REST and GraphQL server on loopback.

`server.GitLabServer` is the whole of it. What it holds is in `state`, what Git says in
`repository`, who may do what in `access`; `rest` and `graphql_api` answer; `description` and
`schema.graphql` are the referees. Nothing of it is GitLab's code.
"""
