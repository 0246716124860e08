"""Schema validation: is each resource something that its cluster could take?

    settings, CRDs, files ──> library.SchemaLibrary        which schema a kind has
      catalogue, builtin        Kubernetes' own kinds, made to say what the API server does
      crds, structural          CustomResourceDefinitions of the repository
      locations                 extra directories in the layout of the CRDs catalogue
    resources ──> embedded.EmbeddedValidator               jsonschema-rs, in this process
              └─> kubeconform.KubeconformValidator         the program, fed the same schemas
    errors ──> messages                                    what is wrong, in words

Both engines read the same documents and give the same defects. This room knows neither
applications nor source lines; the pipeline turns defects into findings.

Not evaluated: validation rules in CEL, unique keys of list maps, a few rare string formats, and
what the API server checks in code beyond its schemas (admission, immutability, cross-field rules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gitops_gate.checks.interface import SchemaValidator
from gitops_gate.checks.schema.catalogue import known_versions, load_catalogue
from gitops_gate.checks.schema.crds import CrdDocument, unusable_crds
from gitops_gate.checks.schema.embedded import EmbeddedValidator
from gitops_gate.checks.schema.kubeconform import KubeconformValidator
from gitops_gate.checks.schema.library import CrdSource, SchemaLibrary
from gitops_gate.checks.schema.locations import SchemaDirectories
from gitops_gate.config.settings import SchemaSettings

__all__ = [
    "VALIDATORS",
    "CrdDocument",
    "CrdSource",
    "build_validator",
    "known_versions",
    "unusable_crds",
]


def _embedded(library: SchemaLibrary, _: SchemaSettings) -> SchemaValidator:
    return EmbeddedValidator(library)


def _kubeconform(library: SchemaLibrary, settings: SchemaSettings) -> SchemaValidator:
    return KubeconformValidator(EmbeddedValidator(library), settings.kubeconform_command)


VALIDATORS: Mapping[str, Callable[[SchemaLibrary, SchemaSettings], SchemaValidator]] = (
    MappingProxyType({"embedded": _embedded, "kubeconform": _kubeconform})
)
"""The engines, by the name that `schemas.engine` gives them."""


def build_validator(
    settings: SchemaSettings,
    kubernetes: str,
    crds: CrdSource,
    *,
    locations: Mapping[str, bytes] = MappingProxyType({}),
) -> SchemaValidator:
    """The validator that the settings choose, for one Kubernetes version.

    `crds` are the definitions found at both revisions, or a function that reads them, called at
    most once and only for a kind that Kubernetes does not have itself. `locations` are the files
    below `settings.locations`, by their path in the repository. Raises `SchemaError` for a
    Kubernetes version that no schemas exist for. Nothing is compiled or started before the first
    resource.
    """
    library = SchemaLibrary(
        load_catalogue(kubernetes),
        crds,
        SchemaDirectories(settings.locations, locations),
        strict=settings.strict,
    )
    return VALIDATORS[settings.engine](library, settings)
