"""Bases from other repositories."""
