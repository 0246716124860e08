"""A review inside CI: read the change request, check it, compose, publish, answer.

    ci.detect -> endpoint -> forges.connect -> Snapshot
        -> pipeline (the merge of the target's tip and the head) -> Report
        -> reports (comment, inline comments, SARIF) -> publication -> Forge

The room above the pipeline. It decides nothing about the change; it only makes sure that what is
published belongs to the newest head, is there once, and is written only when it differs.
"""
