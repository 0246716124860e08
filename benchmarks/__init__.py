"""What gitops-gate costs, measured beside the tools that a user would pick instead."""
