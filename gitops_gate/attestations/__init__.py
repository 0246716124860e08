"""Signed statements about deliveries: in-toto statements in DSSE envelopes, chained in a branch.

Delivery makes a `Decision`, which becomes two statements (the decision record and a SLSA
verification summary), signed, and a file in the attestation branch. Reading goes the other way and
believes nothing: keys come from outside, and a chain is complete or it is an error.
"""
