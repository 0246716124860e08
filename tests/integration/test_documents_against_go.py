"""The reading of YAML agrees with Kubernetes' own libraries, document by document.

A small Go program, `tests/integration/go/yamlread`, reads the same documents with
`sigs.k8s.io/yaml` and cuts the same streams with `k8s.io/apimachinery`. Accepting what they refuse,
refusing what they accept and another value are all failures, but for the few cases that
`load_document` and `split_stream` document as refused on purpose.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.documents import dump_yaml, load_document, load_yaml, split_stream
from gitops_gate.errors import ManifestError
from tests.unit.documents.comparing import same
from tests.unit.documents.corpus import KEYS, SCALARS, SNIPPETS, TAGS, documents, mutants

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "go" / "yamlread"

REFUSED_ON_PURPOSE = (
    "two keys that both become",
    "where YAML readers differ",
    "a byte order mark",
)
"""What `load_document` refuses although Kubernetes reads something, by chance or in part."""

CUT_ON_PURPOSE = (
    "a line that starts with ---",
    "a byte order mark",
    "a separator --- after a line break that is not LF",
    "a value is missing, or it cannot stand here",
)
"""What `split_stream` refuses because YAML would cut elsewhere; the last is a lone `...`."""

Ask = Callable[[str, Sequence[bytes]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Ask the Go program about documents (`d`) or streams (`s`); built once."""
    compiler = shutil.which("go")
    if compiler is None:
        return missing("Go is not installed: nothing to compare the reading of YAML with")
    program = tmp_path_factory.mktemp("yamlread") / "yamlread"
    built = subprocess.run(
        [compiler, "build", "-o", program, "."],
        cwd=SOURCE,
        env={**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if built.returncode:
        return missing(f"the Go program cannot be built: {built.stderr.strip()[-500:]}")

    def ask(question: str, texts: Sequence[bytes]) -> list[dict[str, Any]]:
        requests = b"".join(
            question.encode() + struct.pack(">I", len(text)) + text for text in texts
        )
        answers = subprocess.run([program], input=requests, capture_output=True, check=True)
        return [json.loads(line) for line in answers.stdout.splitlines()]

    return ask


def missing(reason: str) -> Ask:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def disagreements(go: Ask, texts: Sequence[bytes]) -> tuple[list[str], Counter[str]]:
    """What is read differently, and how many were accepted, refused, and refused on purpose."""
    wrong, counts = [], Counter[str]()
    for text, answer in zip(texts, go("d", texts), strict=True):
        for mode in ("strict", "lax"):
            kind, problem = judged(text, mode, answer)
            counts[kind] += 1
            if problem:
                wrong.append(f"{mode} {text!r}: {problem}")
    return wrong, counts


def judged(text: bytes, mode: str, answer: dict[str, Any]) -> tuple[str, str]:
    """What became of a document in one mode, and what is wrong about it."""
    reading = answer[mode]
    try:
        value = load_document(text, strict=mode == "strict")
    except ManifestError as error:
        if "json" not in reading or answer["unread"]:
            return "refused", ""
        if any(known in error.message for known in REFUSED_ON_PURPOSE):
            return "on purpose", ""
        return "refused", f"Go reads {reading['json']!r}, we say {error}"
    if "json" not in reading:
        return "accepted", f"Go says {reading['error']}, we read {value!r}"
    if answer["unread"]:
        return "accepted", f"Go reads a part of it, we read {value!r}"
    agree = same(value, reading["json"])
    return "accepted", "" if agree else f"Go reads {reading['json']!r}, we read {value!r}"


def test_scalars_agree_in_every_place_and_style(go: Ask) -> None:
    places = [
        "a: {0}\n",
        "{0}: 1\n",
        "- {0}\n",
        "{0}",
        "[{0}]",
        "{{a: {0}}}",
        "{{{0}: 1}}",
        "{{{0}}}",
    ]
    places += ["'{0}': '{0}'\n", 'a: "{0}"\n', "a: |\n  {0}\n", "? {0}\n: {0}\n", "a: >-\n  {0}\n"]
    places += [f"a: {tag} {{0}}\n" for tag in TAGS] + [f'{tag} "{{0}}": 1\n' for tag in TAGS]
    texts = [place.format(scalar).encode() for place in places for scalar in SCALARS]

    wrong, counts = disagreements(go, texts)

    assert wrong == []
    assert counts["accepted"] > len(texts)


def test_two_thousand_written_documents_agree(go: Ask) -> None:
    wrong, counts = disagreements(go, list(documents(seed=1, count=2_000)))

    assert wrong == []
    assert counts["accepted"] > 1_000
    assert counts["on purpose"] < 20


def test_three_thousand_damaged_manifests_agree(go: Ask) -> None:
    wrong, counts = disagreements(go, list(mutants(seed=2, count=3_000)))

    assert wrong == []
    assert counts["accepted"] > 2_000
    assert counts["on purpose"] < 20


def test_anything_agrees(go: Ask) -> None:
    @settings(max_examples=300)
    @given(
        st.lists(
            st.lists(st.sampled_from([*SNIPPETS, *SCALARS, *KEYS, *TAGS]), max_size=10).map(
                "".join
            ),
            max_size=20,
        )
    )
    def agrees(texts: list[str]) -> None:
        wrong, _ = disagreements(go, [text.encode() for text in texts])
        assert wrong == []

    agrees()


def test_what_dump_yaml_writes_means_the_same_to_go(go: Ask) -> None:
    values = [load_yaml(text) for text in accepted(documents(seed=3, count=1_500))]
    texts = [dump_yaml(value).encode() for documents_ in values for value in documents_]

    answers = go("d", texts)

    assert len(texts) > 400
    assert [dump_yaml(answer["strict"]["json"]).encode() for answer in answers] == texts
    assert not any(answer["unread"] for answer in answers)


def accepted(texts: Any) -> list[bytes]:
    return [text for text in texts if is_accepted(text)]


def is_accepted(text: bytes) -> bool:
    try:
        return bool(load_yaml(text))
    except ManifestError:
        return False


PIECES = (
    "a: 1\n", "b:\n  c: |\n    x\n", "d: 'x\n---\ny'\n", "e: |\n  t\n---\n  u\n", "- x\n", "a: 1",
    "---\n", "---", "--- \n", "--- # c\n", "---#c\n", "--- x\n", "---x\n", "----\n", "---\t# c\n",
    "---\u00a0\n", "---\u2028\n", "--- # c\u2028d: 1\n", "--- # c\rd: 1\n", "---\r\n", "--- |\n",
    "\n", "# only\n", "  # c\n", " \n", "\t\n", "...\n", "\r\n", "\r", "\ufeff", "%YAML 1.1\n",
    "null\n", "~\n", "# \x85x\n", "[a,\n---\nb]\n", "\u2028",
)  # fmt: skip


def test_two_thousand_streams_are_cut_alike(go: Ask) -> None:
    random = Random(4)
    streams = ["".join(random.choices(PIECES, k=random.randint(1, 6))) for _ in range(2_000)]
    streams += [stream.replace("\n", "\r\n") for stream in streams[:300]]

    wrong, counts = [], Counter[str]()
    texts = [stream.encode() for stream in streams]
    for text, answer in zip(texts, go("s", texts), strict=True):
        kind, problem = judged_stream(go, text, answer)
        counts[kind] += 1
        if problem:
            wrong.append(f"{text!r}: {problem}")

    assert wrong == []
    assert counts["read"] > 400


def judged_stream(go: Ask, text: bytes, answer: dict[str, Any]) -> tuple[str, str]:
    """What became of a stream, and what is wrong about it; documents that are null are left out."""
    readings = go("d", [base64.b64decode(piece) for piece in answer["documents"] or []])
    refused = bool(answer.get("error")) or any(
        reading["unread"] or "json" not in reading["strict"] for reading in readings
    )
    expected = [reading["strict"].get("json") for reading in readings]
    try:
        values = [load_document(piece.text) for piece in split_stream(text)]
    except ManifestError as error:
        on_purpose = any(known in error.message for known in CUT_ON_PURPOSE)
        return "refused", "" if refused or on_purpose else f"Go reads {expected}, we say {error}"
    values = [value for value in values if value is not None]
    expected = [value for value in expected if value is not None]
    agree = not refused and same(values, expected)
    return "read", "" if agree else f"Go reads {expected} {answer}, we read {values}"
