"""Tells which CI a process runs in, and reads what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitops_gate.ci import github, gitlab, others
from gitops_gate.ci.values import Environment

_Reader = Callable[[Mapping[str, str]], Environment]

_KINDS: Mapping[str, _Reader] = {
    "GITHUB_ACTIONS": github.read,
    "GITLAB_CI": gitlab.read,
    "BITBUCKET_BUILD_NUMBER": others.bitbucket,
    "CIRCLECI": others.circleci,
    "TF_BUILD": others.azure,
    "JENKINS_URL": others.jenkins,
    "JENKINS_HOME": others.jenkins,
}
"""The variable that only one CI sets, and who reads the others. Jenkins has a URL only where its
administrator has said which."""


def detect(variables: Mapping[str, str]) -> Environment | None:
    """What the CI says, None outside of any that is known.

    Raises `ConfigurationError` for an event payload that cannot be read.
    """
    for variable, read in _KINDS.items():
        if variables.get(variable):
            return read(variables)
    return None
