"""What every test may ask for, and how property tests are run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import engines as engines_module

settings.register_profile(
    "default",
    deadline=None,  # the machine is shared: time says nothing about the code
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


@pytest.fixture(scope="session")
def engines() -> Path:
    """The folder that holds the real engines, each in `<name>-<version>/`."""
    return engines_module.engines_folder()


@pytest.fixture(scope="session")
def require_engine() -> Callable[[str], str]:
    """Ask for an engine by name: its absolute path, or the test is skipped (fails in CI)."""
    return engines_module.require_engine


@pytest.fixture
def path_with_engines(monkeypatch: pytest.MonkeyPatch) -> str:
    """PATH with Helm 4, Kustomize, OPA and kubeconform of the cache in front, for this test."""
    path = engines_module.path_with("helm", "kustomize", "opa", "kubeconform")
    monkeypatch.setenv("PATH", path)
    return path


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git and colours must not depend on who runs the tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Example")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "example@example.com")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
