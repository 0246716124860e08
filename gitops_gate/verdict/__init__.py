"""Findings, applications and coverage -> the verdict.

Stands after every check and before the reports. `decide` weighs, `values` holds what a run found
out. Nothing here looks at files, clocks or networks.
"""
