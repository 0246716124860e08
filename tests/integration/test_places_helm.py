"""Every place that is called exact in a chart is what gives the field its value."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

import pytest

from gitops_gate.findings import Location
from tests.integration.mutations import Files, rendered, tally

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.usefixtures("path_with_engines")]

HELPERS = """\
{{/* The name of everything. */}}
{{- define "shop.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "shop.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}
{{- define "shop.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "shop.selectorLabels" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "shop.selectorLabels" -}}
app.kubernetes.io/name: {{ include "shop.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
"""
DEPLOYMENT = """\
{{- $root := . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "shop.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      {{- with .Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      labels:
        {{- include "shop.labels" . | nindent 8 }}
    spec:
      hostNetwork: false
      securityContext:
        {{- toYaml .Values.podSecurityContext | nindent 8 }}
      containers:
        - name: {{ .Chart.Name }}
          securityContext:
            {{- toYaml .Values.securityContext | nindent 12 }}
          {{- $tag := .Values.image.tag | default .Chart.AppVersion }}
          image: "{{ .Values.image.repository }}:{{ $tag }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          ports:
            - name: http
              containerPort: {{ .Values.service.port }}
              protocol: TCP
          {{- if .Values.env }}
          env:
            {{- range $name, $value := .Values.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
            - name: RELEASE
              value: {{ $root.Release.Name | upper }}
          {{- end }}
          resources: {{- toYaml .Values.resources | nindent 12 }}
        {{- range .Values.sidecars }}
        - name: {{ .name }}
          image: {{ printf "%s:%v" .image (default "edge" .tag) }}
        {{- end }}
"""
SHOP: Files = {
    "shop/Chart.yaml": 'apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: "1.16"\n'
    "dependencies:\n  - {name: cache, version: 1.0.0, alias: memory}\n",
    "shop/values.yaml": """\
replicaCount: 1
image:
  repository: example.com/shop
  pullPolicy: IfNotPresent
  tag: ""
nameOverride: ""
fullnameOverride: ""
autoscaling: {enabled: false}
podAnnotations: {}
podSecurityContext:
  fsGroup: 2000
securityContext:
  privileged: true
  capabilities:
    drop:
      - ALL
service: {type: ClusterIP, port: 80}
env: {}
resources: {}
sidecars: []
big: 12000000
memory:
  size: 64
global: {domain: example.com}
""",
    "shop/values-prod.yaml": """\
replicaCount: 3
podAnnotations:
  note: from-prod
image:
  tag: "2.0"
securityContext:
  privileged: false
env:
  COLOR: red
  SIZE: 12
resources:
  limits:
    cpu: 100m
    memory: 128Mi
sidecars:
  - name: proxy
    image: example.com/proxy
    tag: 1
  - {name: logs, image: example.com/logs}
memory:
  extra: large
""",
    "shop/templates/_helpers.tpl": HELPERS,
    "shop/templates/deployment.yaml": DEPLOYMENT,
    "shop/templates/service.yaml": """\
apiVersion: v1
kind: Service
metadata:
  name: {{ include "shop.fullname" . }}
spec:
  type: {{ .Values.service.type }}
  ports:
    - port: {{ .Values.service.port }}
      targetPort: http
  selector: {{ include "shop.selectorLabels" . | nindent 4 }}
---
{{- if semverCompare ">=1.21-0" .Capabilities.KubeVersion.GitVersion }}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-files}
data:
  motd: {{ .Files.Get "motd.txt" | quote }}
  domain: {{ tpl "www.{{ .Values.global.domain }}" . }}
  big: {{ .Values.big | quote }} # {{ toYaml .Values.big }}
  round: {{ int .Values.big | quote }}
  choice: {{ ternary "yes" "no" .Values.autoscaling.enabled | quote }}
{{- end }}
""",
    "shop/motd.txt": "hello",
    "shop/crds/shop.yaml": """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: shops.example.com
spec:
  group: example.com
  names: {kind: Shop, plural: shops}
""",
    "shop/charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.0.0\n",
    "shop/charts/cache/values.yaml": "size: 16\nmode: lru\n",
    "shop/charts/cache/templates/config.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: cache
data:
  size: {{ .Values.size | quote }}
  mode: {{ .Values.mode }}
  extra: {{ .Values.extra | default "small" }}
  domain: {{ .Values.global.domain }}
""",
}


def packed(files: Mapping[str, str]) -> bytes:
    """A chart as `helm package` packs it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return written.getvalue()


def test_values_for_a_packed_subchart_are_found_in_the_file_of_its_parent() -> None:
    inner = {
        path.removeprefix("shop/charts/"): text
        for path, text in SHOP.items()
        if path.startswith("shop/charts/")
    }
    files: dict[str, str | bytes] = {
        path: text for path, text in SHOP.items() if not path.startswith("shop/charts/")
    }
    files["shop/charts/cache-1.0.0.tgz"] = packed(inner)
    made = rendered(files, "shop")
    assert made is not None
    [cache] = [one for one in made.resources if one.reference.name == "cache"]
    size = made.places.of(cache, ("data", "size"))
    mode = made.places.of(cache, ("data", "mode"))
    assert size is not None
    assert (size.path, size.exact) == ("shop/values.yaml", True)
    assert SHOP["shop/values.yaml"].split("\n")[size.line - 1].strip() == "size: 64"
    assert mode == Location(path="shop/charts/cache-1.0.0.tgz")


@pytest.mark.parametrize("name", ["shop", "shop@prod"])
def test_what_is_called_exact_is_true_in_every_field_of_a_chart(name: str) -> None:
    found = tally(SHOP, name)
    assert not found.wrong
    assert not found.nowhere
    assert found.exact >= 0.95 * found.total, "\n".join(found.near)
    assert len(found.untried) <= 0.25 * found.exact, "\n".join(found.untried)
