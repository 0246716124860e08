"""What a kustomization's own fields set: names, namespace, labels, replicas and images.

Each takes the resources that a kustomization has so far and sets what Kustomize would, with the
line of the kustomization as the place. The fields that are set are those of Kustomize's
`builtinpluginconsts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gitops_gate.evaluation.places.subjects import Subject
from gitops_gate.evaluation.places.traced import Place, Traced

_UNPREFIXED = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})
_SCALED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_IMAGE_LISTS = frozenset({"containers", "initContainers"})
_POD_LABELS = (
    ("spec", "template", "metadata"),
    ("spec", "jobTemplate", "metadata"),
    ("spec", "jobTemplate", "spec", "template", "metadata"),
)
_CREATED_SELECTORS = {
    "Service": ("spec", "selector"),
    "ReplicationController": ("spec", "selector"),
    "Deployment": ("spec", "selector", "matchLabels"),
    "ReplicaSet": ("spec", "selector", "matchLabels"),
    "DaemonSet": ("spec", "selector", "matchLabels"),
    "StatefulSet": ("spec", "selector", "matchLabels"),
}
_OTHER_SELECTORS = {
    "Job": ("spec", "selector", "matchLabels"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
    "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
}


def set_namespace(subjects: Iterable[Subject], value: Traced, rendered: str) -> None:
    """`namespace`; whether a kind has one is seen from the `rendered` resource's."""
    for subject in subjects:
        own = Traced(value.value, value.place, key=value.key)
        if subject.kind == "Namespace":
            subject.metadata(value.place).fields["name"] = own
        elif rendered:
            subject.metadata(value.place).fields["namespace"] = own
        subject.remember()


def add_affix(subjects: Iterable[Subject], value: Traced, *, prefix: bool) -> None:
    """`namePrefix` or `nameSuffix`."""
    for subject in subjects:
        name = subject.root.get("metadata", "name")
        if subject.kind in _UNPREFIXED or name is None or not name.text:
            continue
        text = f"{value.text}{name.text}" if prefix else f"{name.text}{value.text}"
        subject.metadata(value.place).fields["name"] = Traced(
            text, value.place, key=name.key, sure=name.sure
        )
        subject.remember()


def set_labels(
    subjects: Iterable[Subject], pairs: Traced, *, selectors: bool, templates: bool
) -> None:
    """`commonLabels`, or the pairs of one entry of `labels`."""
    for subject in subjects:
        _set_pairs(subject.metadata(pairs.place), "labels", pairs)
        if templates or selectors:
            for holder in _pod_metadata(subject, create=selectors or templates):
                _set_pairs(holder, "labels", pairs)
        if selectors:
            _set_selectors(subject, pairs)


def set_annotations(subjects: Iterable[Subject], pairs: Traced) -> None:
    """`commonAnnotations`."""
    for subject in subjects:
        _set_pairs(subject.metadata(pairs.place), "annotations", pairs)
        for holder in _pod_metadata(subject, create=True):
            _set_pairs(holder, "annotations", pairs)


def set_replicas(subjects: Iterable[Subject], entry: Traced) -> None:
    """One entry of `replicas`."""
    name, count = entry.text_of("name"), entry.get("count")
    for subject in subjects:
        spec = subject.root.get("spec")
        if count is None or spec is None or not isinstance(spec.value, dict):
            continue
        if subject.kind in _SCALED and subject.is_called(name):
            spec.fields["replicas"] = count.copied()


def set_images(subjects: Iterable[Subject], entry: Traced) -> None:
    """One entry of `images`."""
    for subject in subjects:
        if subject.kind == "CustomResourceDefinition":
            continue
        for container in _containers(subject.root):
            image = container.fields.get("image")
            if image is not None and image.text:
                container.fields["image"] = _with_image(image, entry)


def _with_image(image: Traced, entry: Traced) -> Traced:
    name, tag, digest = split_image(image.text)
    if name != entry.text_of("name"):
        return image
    parts = {key: _part(entry, key) for key in ("newName", "newTag", "digest", "tagSuffix")}
    giver: Traced | None = None
    if parts["newName"]:
        name, giver = parts["newName"], entry.get("newName")
    if parts["newTag"]:
        tag, digest, giver = parts["newTag"], parts["digest"], entry.get("newTag")
    elif parts["digest"]:
        tag, digest, giver = "", parts["digest"], entry.get("digest")
    elif parts["tagSuffix"]:
        tag, digest, giver = tag + parts["tagSuffix"], "", entry.get("tagSuffix")
    if giver is None:
        return image
    if parts["digest"] and tag:
        giver = entry.get("digest") or giver
    text = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return Traced(text, giver.place, key=image.key)


def _part(entry: Traced, key: str) -> str:
    found = entry.get(key)
    if found is None or found.value is None or isinstance(found.value, dict | list):
        return ""
    return str(found.value)


def split_image(image: str) -> tuple[str, str, str]:
    """Name, tag and digest, as Kustomize cuts them (`image.Split`)."""
    rest, _, digest = image.partition("@")
    slash = rest.find("/")
    colon = rest.find(":", max(slash, 0))
    return (rest, "", digest) if colon < 0 else (rest[:colon], rest[colon + 1 :], digest)


def _containers(node: Traced) -> Iterator[Traced]:
    """The items of every list of containers, however deep."""
    for name, member in node.fields.items():
        if name in _IMAGE_LISTS:
            yield from member.items
        else:
            yield from _containers(member)
    for item in node.items:
        yield from _containers(item)


def _set_pairs(holder: Traced, name: str, pairs: Traced) -> None:
    found = holder.fields.get(name)
    if found is None or not isinstance(found.value, dict):
        found = holder.fields[name] = Traced({}, pairs.place)
    for key, value in pairs.fields.items():
        found.fields[key] = value.copied()


def _set_selectors(subject: Subject, pairs: Traced) -> None:
    created = _CREATED_SELECTORS.get(subject.kind)
    path = created or _OTHER_SELECTORS.get(subject.kind)
    if path is None:
        return
    holder = subject.root.get(*path[:-1])
    if holder is None and created is not None and len(path) == 3:
        spec = subject.root.get("spec")
        if spec is not None and isinstance(spec.value, dict):
            holder = spec.fields["selector"] = Traced({}, pairs.place)
    if holder is None or not isinstance(holder.value, dict):
        return
    if created is not None or path[-1] in holder.fields:
        _set_pairs(holder, path[-1], pairs)


def _pod_metadata(subject: Subject, *, create: bool) -> Iterator[Traced]:
    for path in _POD_LABELS:
        found = subject.root.get(*path)
        holder = subject.root.get(*path[:-1])
        if found is not None and isinstance(found.value, dict):
            yield found
        elif create and holder is not None and isinstance(holder.value, dict):
            made = holder.fields["metadata"] = Traced({}, _place_of(holder))
            yield made


def _place_of(node: Traced) -> Place:
    return node.key or node.place
