"""Recovery and promotion, each through a change request: revert, ratify, bump, blame, rebuild."""
