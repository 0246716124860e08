"""Rendered manifests for the benchmarks, generated: the same bytes for the same numbers.

Real repositories repeat themselves: of the resources that public GitOps repositories render, about
three in four are byte-identical to another. `write_manifests` keeps that share. `write_repository`
makes a Git repository with many Kustomize applications, of which one changes.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

DISTINCT_SHARE = 0.26
DOCUMENTS_IN_A_FILE = 13

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{app.kubernetes.io/name: {name}, app.kubernetes.io/part-of: team-{team}}}
  annotations:
    description: "{filler}"
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      securityContext:
        runAsNonRoot: true
        seccompProfile: {{type: RuntimeDefault}}
      containers:
      - name: main
        image: registry.example.com/team-{team}/{name}:1.{replicas}.{team}
        args: ["--listen=:8080", "--verbosity={replicas}"]
        ports:
        - name: http
          containerPort: 8080
        env:
{env}
        resources:
          requests: {{cpu: {replicas}00m, memory: 128Mi}}
          limits: {{memory: 256Mi}}
        readinessProbe:
          httpGet: {{path: /ready, port: http}}
        livenessProbe:
          httpGet: {{path: /live, port: http}}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [ALL]
        volumeMounts:
        - name: configuration
          mountPath: /etc/{name}
      volumes:
      - name: configuration
        configMap:
          name: {name}
"""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {namespace}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
  - name: http
    port: 80
    targetPort: http
"""

_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {namespace}
data:
  settings.ini: |
    [server]
    listen = :8080
    name = {name}
    ; {filler}
{lines}
"""

_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {name}
  namespace: {namespace}
rules:
- apiGroups: [""]
  resources: [configmaps, secrets]
  resourceNames: [{name}]
  verbs: [get, watch]
"""

_INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: {namespace}
spec:
  tls:
  - hosts: [{name}.example.com]
    secretName: {name}-tls
  rules:
  - host: {name}.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: {name}
            port:
              name: http
"""

_TEMPLATES = (_DEPLOYMENT, _SERVICE, _CONFIG_MAP, _ROLE, _INGRESS)


def document(number: int) -> str:
    """The manifest with this number; documents with other numbers are other documents."""
    chance = random.Random(number)
    replicas = chance.randint(1, 9)
    return _TEMPLATES[number % len(_TEMPLATES)].format(
        name=f"app-{number}",
        namespace=f"team-{number % 40}",
        team=number % 40,
        replicas=replicas,
        filler=f"{chance.getrandbits(200):050x}",
        env="\n".join(
            f'        - {{name: SETTING_{i}, value: "{chance.getrandbits(64):x}"}}'
            for i in range(20)
        ),
        lines="\n".join(f"    option-{i} = {chance.getrandbits(80):x}" for i in range(120)),
    )


def write_manifests(folder: Path, resources: int) -> int:
    """Write that many resources, one folder a file, of which most repeat; returns the bytes."""
    chance = random.Random(0)
    distinct = max(1, int(resources * DISTINCT_SHARE))
    numbers = [*range(distinct), *(chance.randrange(distinct) for _ in range(resources - distinct))]
    chance.shuffle(numbers)
    written = 0
    for first in range(0, resources, DOCUMENTS_IN_A_FILE):
        place = folder / f"app-{first // DOCUMENTS_IN_A_FILE}"
        place.mkdir(parents=True)
        chosen = dict.fromkeys(numbers[first : first + DOCUMENTS_IN_A_FILE])
        text = "---\n" + "---\n".join(document(number) for number in chosen)
        written += (place / "rendered.yaml").write_text(text)
    return written


def write_repository(folder: Path, applications: int) -> None:
    """A Git repository of Kustomize applications; its second commit changes one of them."""
    for number in range(applications):
        place = folder / "apps" / f"app-{number}"
        place.mkdir(parents=True)
        (place / "kustomization.yaml").write_text(
            "resources: [deployment.yaml, service.yaml, configmap.yaml]\n"
        )
        for template, name in (
            (0, "deployment.yaml"),
            (1, "service.yaml"),
            (2, "configmap.yaml"),
        ):
            (place / name).write_text(document(number * len(_TEMPLATES) + template))
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _commit(folder, "every application")
    deployment = folder / "apps" / "app-1" / "deployment.yaml"
    deployment.write_text(deployment.read_text().replace("--verbosity=", "--verbosity=1"))
    _commit(folder, "one application changes")


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", message)


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)
