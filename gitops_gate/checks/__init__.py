"""Checks: resources and changes -> defects, and what is accepted of them.

`schema` and `policy` each look at one resource and return defects (`interface`); `identity` says
which of them are the same at the base and at the head; `waivers` marks what somebody accepted.
"""
