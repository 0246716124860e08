"""Forges of our own, real HTTP servers on loopback, and the tests that run against them."""
