"""After the merge: prove that what landed is what was approved, attest it, move the delivery ref.

    branch ──walk──> steps ──attribute──> change requests ──recompute──> what each must have given
    steps ──judge by the rules of the parent: checks, approvals as they stood──> decision
    decision ──sign──> attestation branch and delivery ref, moved together

Above the review, whose judgement it repeats on what landed.
"""
