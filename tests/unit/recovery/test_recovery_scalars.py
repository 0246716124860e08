"""One scalar of a YAML file changes, and every other byte stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.documents import load_yaml
from gitops_gate.errors import SourceError
from gitops_gate.recovery.scalars import (
    Field,
    Scalar,
    inserted,
    renamed,
    replaced,
    scalars,
)

FILE = """\
# the shop's own
image:   # where it comes from
  repository: registry.example.com/web
  tag: 'v1.2'        # set by the pipeline
  pullPolicy: "Always"
replicas: 3
list:
    - {name: a, newTag: v1}
    -   name: b
        newTag: v2
---
tag: v1
"""


def one(data: bytes, *field: str | int, document: int = 0) -> Scalar:
    (found,) = [
        each
        for each in scalars(data, "values.yaml")
        if each.field == field and each.document == document
    ]
    return found


def set_to(text: str, value: Any, *field: str | int, document: int = 0) -> str:
    data = text.encode()
    return replaced(data, one(data, *field, document=document), value).decode()


@pytest.mark.parametrize(
    ("field", "value", "old", "new"),
    [
        (("image", "tag"), "v1.3", "'v1.2'  ", "'v1.3'  "),
        (("image", "tag"), "it's", "'v1.2'", "'it''s'"),
        (("image", "pullPolicy"), "Never", '"Always"', '"Never"'),
        (("image", "repository"), "a/b@sha256:00", "registry.example.com/web", "a/b@sha256:00"),
        (("replicas",), 5, "replicas: 3", "replicas: 5"),
        (("replicas",), "3", "replicas: 3", 'replicas: "3"'),
        (("list", 0, "newTag"), "1.0", "newTag: v1}", 'newTag: "1.0"}'),
        (("list", 0, "newTag"), "a,b}", "newTag: v1}", 'newTag: "a,b}"}'),
        (("list", 1, "newTag"), "v3", "newTag: v2", "newTag: v3"),
    ],
)
def test_only_the_scalar_changes(field: Field, value: Any, old: str, new: str) -> None:
    assert set_to(FILE, value, *field) == FILE.replace(old, new)


def test_a_later_document_and_the_line_of_a_scalar() -> None:
    assert set_to(FILE, "v2", "tag", document=1) == FILE.replace("---\ntag: v1", "---\ntag: v2")
    assert one(FILE.encode(), "image", "tag").place == "values.yaml:4"
    assert one(FILE.encode(), "tag", document=1).place == "values.yaml:12"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufefftag: a\r\nrest: ü\r\n", "\ufefftag: b\r\nrest: ü\r\n"),
        ("ü: {x: é, tag: a} # ö\n", "ü: {x: é, tag: b} # ö\n"),
        ("tag: a", "tag: b"),
        ("tag:\n", "tag: b\n"),
        ("tag:   # nothing yet\n", None),
        ("tag: &now a\nother: *now\n", "tag: &now b\nother: *now\n"),
        ("tag: !!str a\n", "tag: !!str b\n"),
    ],
)
def test_spellings(text: str, expected: str | None) -> None:
    data = text.encode()
    (scalar,) = [each for each in scalars(data, "x") if each.field[-1] == "tag"]
    done = replaced(data, scalar, "b").decode()
    if expected is not None:
        assert done == expected
    else:
        assert load_yaml(done) == ({"tag": "b"},)
        assert "# nothing yet" in done


@pytest.mark.parametrize(
    ("text", "field", "why"),
    [
        ("tag: >-\n  a\n  b\n", ("tag",), "several lines"),
        ("base: &b {tag: a}\nx:\n  <<: *b\n", ("base", "tag"), None),
        ("tag: !!int 3\n", ("tag",), "cannot stand there"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, field: Field, why: str | None) -> None:
    if why is None:
        assert set_to(text, "b", *field) == text.replace("tag: a", "tag: b")
        return
    with pytest.raises(SourceError, match=why) as caught:
        set_to(text, "b", *field)
    assert str(caught.value).startswith("values.yaml:1: cannot be changed by itself")


def test_a_key_changes_with_its_value() -> None:
    data = FILE.encode()
    done = renamed(data, one(data, "list", 0, "newTag"), "digest", "sha256:00").decode()
    assert done == FILE.replace("newTag: v1}", "digest: sha256:00}")


def test_a_key_that_is_there_already_is_not_given_twice() -> None:
    data = FILE.encode()
    with pytest.raises(SourceError, match="cannot stand there"):
        renamed(data, one(data, "list", 0, "newTag"), "name", "x")


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        (("list", 0, "newTag"), "newTag: v1}", "newTag: v1, digest: sha256:00}"),
        (("list", 1, "name"), "name: b\n", "name: b\n        digest: sha256:00\n"),
        (
            ("image", "tag"),
            "# set by the pipeline\n",
            "# set by the pipeline\n  digest: sha256:00\n",
        ),
    ],
)
def test_an_entry_is_added_beside_another(field: Field, old: str, new: str) -> None:
    data = FILE.encode()
    assert inserted(data, one(data, *field), "digest", "sha256:00").decode() == FILE.replace(
        old, new
    )


def test_an_entry_is_added_with_the_line_ends_of_the_file() -> None:
    assert inserted(b"a: 1\r\nb: 2\r\n", one(b"a: 1\r\nb: 2\r\n", "a"), "c", 3) == (
        b"a: 1\r\nc: 3\r\nb: 2\r\n"
    )
    assert inserted(b"a: 1", one(b"a: 1", "a"), "c", 3) == b"a: 1\nc: 3"


def test_an_entry_that_others_would_inherit_is_refused() -> None:
    data = b"base: &b\n  tag: a\nother:\n  <<: *b\n"
    with pytest.raises(SourceError, match="other values depend on it"):
        inserted(data, one(data, "base", "tag"), "digest", "x")


@pytest.mark.parametrize("data", [b"\xff", b"a: {{ .Values.x }}\n", b"a: 1\na: 2\n", b""])
def test_what_is_no_yaml_has_no_scalars(data: bytes) -> None:
    assert scalars(data, "x") == ()


KEYS = st.sampled_from(["a", "b", "tag", "ü", "x-y"])
LEAVES = st.one_of(
    st.text(max_size=8), st.integers(-9, 9), st.booleans(), st.sampled_from(["1.0", "no", "~"])
)


@given(
    values=st.dictionaries(KEYS, LEAVES, min_size=1),
    new=LEAVES,
    pick=st.randoms(use_true_random=False),
    flow=st.booleans(),
)
def test_whatever_is_written_reads_as_asked_or_is_refused(
    values: dict[str, Any], new: Any, pick: Any, flow: bool
) -> None:
    from gitops_gate.documents import dump_yaml

    lines = [dump_yaml({key: value}) for key, value in values.items()]
    single = all(line.count("\n") == 1 for line in lines)
    text = "# first\n" + "".join(lines)
    if flow and single and not any(set(line) & set("{}[],?#&*!|>'\"%@`") for line in lines):
        text = "{" + ", ".join(line.rstrip("\n") for line in lines) + "} # last\n"
    data = text.encode()
    key = pick.choice(sorted(values))
    scalar = next((each for each in scalars(data, "x") if each.field == (key,)), None)
    if scalar is None:
        return
    try:
        done = replaced(data, scalar, new)
    except SourceError:
        return
    assert load_yaml(done) == ({**values, key: new},)
    assert done.count(b"# first") == data.count(b"# first")
