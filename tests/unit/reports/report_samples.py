"""Hand-made reports, one for each kind of run that a reader meets."""

from __future__ import annotations

import datetime
from dataclasses import replace

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.findings import Finding, Location, Severity, WaiverUse
from gitops_gate.resources.values import ResourceReference
from gitops_gate.verdict.values import (
    ApplicationOutcome,
    Coverage,
    Reason,
    Report,
    RulesEffect,
    Sides,
    Status,
    Verdict,
)

BASE = "4f1c2aa0b5d9c1e7f3a8c6d2e4b6f8a0c2d4e6f8"
HEAD = "91b07e3c5a7d9f1b3d5f7a9c1e3a5c7e9b1d3f50"
TOOLS = {"helm": "v4.3.1", "kustomize": "v5.8.1", "regorus": "0.13.0"}
CONFIGURATION = {"source": "default branch", "digest": f"sha256:{'fa57cd0d' * 8}"}


def outcome(
    name: str, environment: str, status: Status = Status.RENDERED, **more: object
) -> ApplicationOutcome:
    rendered = status is Status.RENDERED
    given: dict[str, object] = {
        "name": name,
        "path": name.partition("@")[0],
        "renderer": "kustomize",
        "environment": environment,
        "status": status,
        "affected": status is not Status.UNCHANGED,
        "digest": Sides(base=f"sha256:{'1' * 64}", head=f"sha256:{'2' * 64}")
        if rendered
        else Sides(base=None, head=None),
        "resources": Sides(base=7, head=8) if rendered else Sides(base=0, head=0),
    }
    return ApplicationOutcome(**{**given, **more})  # type: ignore[arg-type]


def resource(kind: str, name: str, namespace: str = "shop", api: str = "v1") -> ResourceReference:
    return ResourceReference(api_version=api, kind=kind, namespace=namespace, name=name)


WEB = resource("Deployment", "web", api="apps/v1")
REDIS = resource("StatefulSet", "redis", "cache", "apps/v1")
DATA = resource("PersistentVolumeClaim", "data")

UNPINNED = Finding(
    rule="images/pinned",
    severity=Severity.ERROR,
    message='Container "redis" uses redis:latest: the tag can change under you.',
    application="clusters/production/cache",
    resource=REDIS,
    field=("spec", "template", "spec", "containers", 0, "image"),
    location=Location(path="apps/cache/base/redis.yaml", line=21, column=16, exact=True),
    remediation="Pin a version and digest, for example redis:7.4.1@sha256:<digest>.",
    documentation="https://kubernetes.io/docs/concepts/containers/images/",
    fingerprint="a" * 64,
)
UNKNOWN_FIELD = Finding(
    rule="schema",
    severity=Severity.ERROR,
    message="spec.replica is not a field of apps/v1 Deployment.",
    application="clusters/production/shop",
    resource=WEB,
    field=("spec", "replica"),
    location=Location(
        path="apps/shop/overlays/prod/replicas-patch.yaml", line=7, column=3, exact=True
    ),
    suggestion="replicas",
    fingerprint="b" * 64,
)
CLAIM_REMOVED = Finding(
    rule="changes/persistent-volume-claim-removed",
    severity=Severity.WARNING,
    message="PersistentVolumeClaim shop/data is removed: its volume may be deleted with it.",
    application="clusters/production/shop",
    resource=DATA,
    location=Location(path="apps/shop/base/data.yaml", line=1, column=1),
    remediation="Back it up first, or keep the claim.",
    fingerprint="c" * 64,
)
WAIVED = Finding(
    rule="services/external-exposure",
    severity=Severity.ERROR,
    message="The Service has type NodePort: it can be reached from outside the cluster.",
    application="clusters/production/shop",
    resource=resource("Service", "status-page"),
    location=Location(path="apps/shop/base/service.yaml", line=21, column=9, exact=True),
    introduced=False,
    waiver=WaiverUse(
        rule="services/external-exposure",
        reason="The status page has to work when the ingress does not.",
        owner="shop-team",
        expires=datetime.date(2026, 12, 6),
    ),
    fingerprint="d" * 64,
)
OLDER = tuple(
    Finding(
        rule="workloads/probes",
        severity=Severity.WARNING,
        message=f'Container "side-{number}" has no readiness probe.',
        application="clusters/production/shop",
        resource=WEB,
        location=Location(path="apps/shop/base/web.yaml", line=30 + number, column=9),
        introduced=False,
        fingerprint=f"{number:064x}",
    )
    for number in range(3)
)

SCALED = ResourceChange(
    application="clusters/production/shop",
    operation=Operation.MODIFIED,
    resource=WEB,
    risk=("image-changed", "rollout"),
    fields=(
        FieldChange(path=("spec", "replicas"), base=3, head=5),
        FieldChange(
            path=("spec", "template", "spec", "containers", "[name=web]", "image"),
            base="registry.example.com/shop/web:1.8.2",
            head="registry.example.com/shop/web:1.9.0",
        ),
    ),
    diff="""@@ -6,12 +6,12 @@
 spec:
-  replicas: 3
+  replicas: 5
   template:
     spec:
       containers:
       - name: web
-        image: registry.example.com/shop/web:1.8.2
+        image: registry.example.com/shop/web:1.9.0
""",
)
CLAIM_GONE = ResourceChange(
    application="clusters/production/shop",
    operation=Operation.REMOVED,
    resource=DATA,
    risk=("data-loss",),
    diff="""@@ -1,5 +0,0 @@
-apiVersion: v1
-kind: PersistentVolumeClaim
-metadata:
-  name: data
-  namespace: shop
""",
)
MEMORY = ResourceChange(
    application="clusters/production/cache",
    operation=Operation.MODIFIED,
    resource=resource("ConfigMap", "redis-config-5f6b8", "cache"),
    previous=resource("ConfigMap", "redis-config-9c2d1", "cache"),
    fields=(FieldChange(path=("data", "maxmemory"), base="256mb", head="512mb"),),
    diff="@@ -2,3 +2,3 @@\n data:\n-  maxmemory: 256mb\n+  maxmemory: 512mb\n",
    redacted=1,
)
LABELLED = ResourceChange(
    application="clusters/production/shop",
    operation=Operation.MODIFIED,
    resource=resource("Service", "web"),
    fields=(FieldChange(path=("metadata", "labels", "team"), base=None, head="shop"),),
    diff="@@ -4,2 +4,4 @@\n   name: web\n+  labels:\n+    team: shop\n spec:\n",
)

DENIED = Report(
    verdict=Verdict.DENY,
    reasons=(Reason(code="findings", message="3 introduced errors", verdict=Verdict.DENY),),
    base=BASE,
    head=HEAD,
    applications=(
        outcome("clusters/production/cache", "production"),
        outcome("clusters/production/shop", "production"),
        outcome("clusters/staging/cache", "staging"),
        outcome("clusters/staging/shop", "staging", Status.UNCHANGED),
    ),
    changes=(
        MEMORY,
        LABELLED,
        CLAIM_GONE,
        SCALED,
        replace(MEMORY, application="clusters/staging/cache"),
    ),
    findings=(
        UNPINNED,
        replace(UNPINNED, application="clusters/staging/cache", fingerprint="e" * 64),
        UNKNOWN_FIELD,
        WAIVED,
        CLAIM_REMOVED,
        *OLDER,
    ),
    coverage=Coverage(
        applications_found=4,
        applications_affected=3,
        applications_rendered=3,
        resources_seen=23,
        schema_checked=22,
        schema_missing=1,
        policy_checked=23,
        rules_loaded=24,
        rules_evaluated=19,
        unclaimed=2,
        redacted=1,
    ),
    configuration=CONFIGURATION,
    tools=TOOLS,
    warnings=("no sandbox on this system: renderers can read files of this user",),
    excerpts={
        "apps/cache/base/redis.yaml:21": "        image: redis:latest",
        "apps/shop/overlays/prod/replicas-patch.yaml:7": "  replica: 5",
        "apps/shop/base/data.yaml:1": "apiVersion: v1",
    },
)

ALLOWED = replace(
    DENIED,
    verdict=Verdict.ALLOW,
    reasons=(
        Reason(
            code="nothing_blocks",
            message="3 affected applications evaluated, nothing blocks",
            verdict=Verdict.ALLOW,
        ),
    ),
    changes=(MEMORY, SCALED, replace(MEMORY, application="clusters/staging/cache")),
    findings=(),
    warnings=(),
    excerpts={},
)

INDETERMINATE = replace(
    DENIED,
    verdict=Verdict.INDETERMINATE,
    reasons=(
        Reason(
            code="application_failed",
            message="1 application could not be evaluated: clusters/staging/shop",
            verdict=Verdict.INDETERMINATE,
        ),
        Reason(
            code="unreached",
            message="1 changed file reached by no application: apps/old/patch.yaml",
            verdict=Verdict.INDETERMINATE,
        ),
        Reason(code="findings", message="1 introduced error", verdict=Verdict.DENY),
    ),
    applications=(
        outcome("clusters/production/cache", "production"),
        outcome(
            "clusters/staging/shop",
            "staging",
            Status.FAILED,
            reason="kustomize build failed (exit code 1):\n"
            "Error: accumulating resources: open web.yaml: no such file or directory",
        ),
    ),
    changes=(),
    findings=(UNPINNED,),
    coverage=Coverage(
        applications_found=2,
        applications_affected=2,
        applications_rendered=1,
        applications_failed=1,
        resources_seen=8,
        schema_checked=8,
        policy_checked=8,
        rules_loaded=24,
        rules_evaluated=19,
        not_understood=(
            {"path": "apps/old/patch.yaml", "reason": "below a kustomization that nothing uses"},
        ),
        unclaimed=1,
    ),
    warnings=(),
)

SCANNED = replace(
    DENIED,
    reasons=(Reason(code="findings", message="2 introduced errors", verdict=Verdict.DENY),),
    base=None,
    head=None,
    changes=(),
    findings=(UNPINNED, UNKNOWN_FIELD, WAIVED),
    configuration={"source": "scanned files", "digest": CONFIGURATION["digest"]},
    warnings=(),
)

UNAFFECTED = Report(
    verdict=Verdict.ALLOW,
    reasons=(
        Reason(
            code="no_application_affected",
            message="no application is affected by this change",
            verdict=Verdict.ALLOW,
        ),
    ),
    base=BASE,
    head=None,
    applications=(outcome("apps/shop", "default", Status.UNCHANGED),),
    coverage=Coverage(applications_found=1, rules_loaded=24),
    configuration=CONFIGURATION,
)

ADVISORY = replace(DENIED, mode="advisory")

RULES = replace(
    UNAFFECTED,
    head=HEAD,
    rules_effect=RulesEffect(
        changed=(".gitops-gate.yaml", "policies/shop/two-replicas.rego"),
        newly_denied=(
            UNPINNED,
            replace(UNPINNED, application="clusters/staging/cache"),
            UNKNOWN_FIELD,
        ),
        no_longer_denied=(WAIVED,),
    ),
)

SAMPLES = {
    "denied": DENIED,
    "allowed": ALLOWED,
    "indeterminate": INDETERMINATE,
    "scan": SCANNED,
    "unaffected": UNAFFECTED,
    "advisory": ADVISORY,
    "rules-effect": RULES,
}
