"""Every place that is called exact in a kustomization is what gives the field its value."""

from __future__ import annotations

import pytest

from tests.integration.mutations import Files, tally

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.usefixtures("path_with_engines")]

WEB = """\
# the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {note: base}
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      initContainers:
        - name: prepare
          image: example.com/prepare:1
      containers:
        - name: web
          image: example.com/web:1.0
          args: [--first, --second]
          ports:
            - containerPort: 8080
              name: http
          env:
            - name: COLOR
              value: red
            - name: SIZE
              value: "3"
          envFrom:
            - configMapRef: {name: settings}
          securityContext:
            privileged: true
        - name: side
          image: example.com/side
      volumes:
        - name: data
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - port: 80
      targetPort: http
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
automountServiceAccountToken: true
"""

SHOP: Files = {
    "base/kustomization.yaml": """\
resources: [web.yaml]
commonLabels:
  team: shop
configMapGenerator:
  - name: settings
    literals:
      - mode=base
      - color='blue'
    envs: [settings.env]
    files: [motd.txt, renamed=other.txt]
secretGenerator:
  - name: keys
    type: example.com/keys
    literals: [key=hunter2]
generatorOptions:
  labels: {generated: by-us}
""",
    "base/web.yaml": WEB,
    "base/settings.env": "# comment\nFIRST=1\n  SECOND=two\n",
    "base/motd.txt": "hello\n",
    "base/other.txt": "other\n",
    "parts/probes/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
      spec:
        template:
          spec:
            containers:
              - name: web
                livenessProbe:
                  httpGet: {path: /live, port: 8080}
replicas:
  - name: web
    count: 4
""",
    "prod/kustomization.yaml": """\
resources:
  - ../base
  - extra.yaml
components: [../parts/probes]
namespace: prod
namePrefix: p-
nameSuffix: -one
labels:
  - pairs: {tier: front}
    includeTemplates: true
commonAnnotations:
  owner: team-shop
images:
  - name: example.com/web
    newTag: "2.5"
  - name: example.com/side
    newName: example.org/aside
    digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
configMapGenerator:
  - name: settings
    behavior: merge
    literals: [mode=prod]
patches:
  - path: patch.yaml
  - path: operations.yaml
    target: {kind: Deployment, name: w.*}
  - target: {kind: Service}
    patch: |-
      - op: replace
        path: /spec/ports/0/port
        value: 8081
      - op: add
        path: /metadata/annotations
        value: {inline: "yes"}
  - target: {kind: ServiceAccount}
    patch: '[{"op": "replace", "path": "/automountServiceAccountToken", "value": false}]'
patchesStrategicMerge:
  - |-
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      strategy: {type: Recreate}
patchesJson6902:
  - target: {group: apps, version: v1, kind: Deployment, name: web}
    path: operations.json
replacements:
  - source: {kind: ConfigMap, name: extra, fieldPath: data.size}
    targets:
      - select: {kind: Deployment, name: web}
        fieldPaths: ["spec.template.spec.containers.[name=web].env.[name=SIZE].value"]
""",
    "prod/extra.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n"
    'data:\n  size: "9"\n',
    "prod/patch.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          ports:
            - containerPort: 8080
              name: web
            - containerPort: 9090
          env:
            - name: COLOR
              value: green
            - name: SHAPE
              value: round
          securityContext:
            privileged: false
            runAsNonRoot: true
        - name: third
          image: example.com/third:3
      volumes:
        - name: data
          $patch: delete
""",
    "prod/operations.yaml": "- {op: add, path: /spec/minReadySeconds, value: 5}\n"
    "- op: replace\n  path: /spec/template/spec/initContainers/0/image\n"
    "  value: example.com/prepare:2\n"
    "- op: add\n  path: /spec/template/spec/containers/0/args/-\n  value: --third\n",
    "prod/operations.json": '[\n  {"op": "add", "path": "/spec/revisionHistoryLimit",'
    ' "value": 3}\n]\n',
}


def test_what_is_called_exact_is_true_in_every_field_of_a_shop() -> None:
    found = tally(SHOP, "prod")
    assert not found.wrong
    assert not found.nowhere
    assert found.exact >= 0.85 * found.total, "\n".join(found.near)
    assert len(found.untried) <= 0.25 * found.exact, "\n".join(found.untried)
