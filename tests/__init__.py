"""Tests: unit/ mirrors the package, integration/ runs the real engines, e2e/ the command."""
