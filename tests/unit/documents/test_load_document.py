"""One document, read as sigs.k8s.io/yaml reads it."""

from __future__ import annotations

import math
import sys

import pytest

from gitops_gate.documents import Limits, load_document, load_yaml
from gitops_gate.errors import InternalError, ManifestError


def value_of(scalar: str) -> object:
    document = load_document(f"a: {scalar}\n".encode())
    assert isinstance(document, dict)
    return document["a"]


@pytest.mark.parametrize(
    "scalar", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"]
)
def test_words_that_are_true(scalar: str) -> None:
    assert value_of(scalar) is True


@pytest.mark.parametrize(
    "scalar", ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"]
)
def test_words_that_are_false(scalar: str) -> None:
    assert value_of(scalar) is False


@pytest.mark.parametrize("scalar", ["", "~", "null", "Null", "NULL", "# nothing"])
def test_what_is_null(scalar: str) -> None:
    assert value_of(scalar) is None


@pytest.mark.parametrize(
    ("scalar", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("+1", 1),
        ("017", 15),
        ("0o17", 15),
        ("0O17", 15),
        ("-017", -15),
        ("08", 8),
        ("0x1F", 31),
        ("-0X1f", -31),
        ("0b11", 3),
        ("1_000", 1000),
        ("0x_1F", 31),
        ("1__0", 10),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615", 2**64 - 1),
        ("0xFFFFFFFFFFFFFFFF", 2**64 - 1),
        ("1e3", 1000),
        ("1.0", 1),
        ("-0.0", 0),
        ("1e20", 10**20),
        ("123456789012345678901", 123456789012345680000),
        ("1e400e", "1e400e"),
    ],
)
def test_integers_and_floats_that_json_writes_as_integers(scalar: str, number: object) -> None:
    value = value_of(scalar)

    assert value == number
    assert type(value) is type(number)


@pytest.mark.parametrize(
    ("scalar", "number"),
    [("0.5", 0.5), (".5", 0.5), ("-.5", -0.5), ("1_0.5", 10.5), ("1.5e-3", 0.0015), ("1e21", 1e21)],
)
def test_floats(scalar: str, number: float) -> None:
    value = value_of(scalar)

    assert value == number
    assert type(value) is float


@pytest.mark.parametrize(
    "scalar",
    [
        "yEs", "tRue", "nULL", "1:30", "190:20:30.15", "2001-01-01", "2001-01-01T00:00:00Z",
        "1.2.3", "0x", "0o8", "0b2", "_1", "1e", "1e400", "0xFFFFFFFFFFFFFFFFF", "10m",
        "1,000", "+.nan", "inf", "=", "<<", "'yes'", '"017"', "a#b",
    ],
)  # fmt: skip
def test_what_stays_text(scalar: str) -> None:
    assert value_of(scalar) == scalar.strip("'\"")


@pytest.mark.parametrize("scalar", [".inf", "-.INF", ".nan", "+.Inf"])
def test_what_json_has_no_number_for_is_an_error(scalar: str) -> None:
    with pytest.raises(ManifestError, match="not a finite number"):
        value_of(scalar)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("on", "true"),
        ("n", "false"),
        ("1", "1"),
        ("017", "15"),
        ("1.0", "1"),
        ("1e6", "1e+06"),
        ("0.1", "0.1"),
        ("1234567.0", "1.234567e+06"),
        ("16777217.0", "1.6777216e+07"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
        ("1e39", ".inf"),
        ("-0.0", "-0"),
        ("1237940039285380274899124224.0", "1.2379401e+27"),
        ("2001-01-01", "2001-01-01"),
        ('"yes"', "yes"),
    ],
)
def test_keys_become_text(key: str, name: str) -> None:
    assert load_document(f"{key}: x\n".encode()) == {name: "x"}


@pytest.mark.parametrize("key", ["~", "null", "18446744073709551615", "[a]", "{a: b}", "? [a]\n"])
def test_keys_that_json_cannot_have(key: str) -> None:
    with pytest.raises(ManifestError):
        load_document(f"{key}: x\n".encode())


@pytest.mark.parametrize("strict", [True, False])
def test_keys_that_only_json_makes_equal_are_refused_because_chance_decides(strict: bool) -> None:
    with pytest.raises(ManifestError, match='both become "1"'):
        load_document(b'1: a\n"1": b\n', strict=strict)


def test_a_duplicate_key_is_an_error_with_its_place() -> None:
    with pytest.raises(ManifestError, match='"image" is there twice') as caught:
        load_document(b"spec:\n  image: a\n  image: b\n", first_line=10)

    assert (caught.value.line, caught.value.column) == (12, 3)


def test_the_last_of_duplicate_keys_counts_when_not_strict() -> None:
    assert load_document(b"a: 1\nb: .inf\na: 2\nb: 3\n", strict=False) == {"a": 2, "b": 3}


MERGE = b"base: &base {a: 1, b: 2}\nnext:\n  <<: *base\n  %s: 3\n"


def test_a_merge_adds_what_is_not_there() -> None:
    document = load_document(MERGE % b"c")

    assert document == {"base": {"a": 1, "b": 2}, "next": {"a": 1, "b": 2, "c": 3}}


def test_a_merge_and_the_key_it_gives_are_duplicates_when_strict() -> None:
    with pytest.raises(ManifestError, match="twice"):
        load_document(MERGE % b"b")


def test_whichever_of_merge_and_key_comes_last_counts_when_not_strict() -> None:
    key_last = load_document(MERGE % b"b", strict=False)
    merge_last = load_document(b"a: &x {k: 1}\nb: {k: 2, <<: *x}\n", strict=False)

    assert isinstance(key_last, dict)
    assert isinstance(merge_last, dict)
    assert key_last["next"]["b"] == 3
    assert merge_last["b"] == {"k": 1}


def test_the_first_of_several_merged_mappings_wins() -> None:
    document = load_document(b"<<: [{a: 1}, {a: 2, b: 3}]\n", strict=False)

    assert document == {"a": 1, "b": 3}


@pytest.mark.parametrize("value", ["x", "[1]", "~", "[[{a: b}]]"])
def test_a_merge_takes_mappings_only(value: str) -> None:
    with pytest.raises(ManifestError, match="<< takes a mapping"):
        load_document(f"<<: {value}\n".encode())


def test_a_quoted_merge_key_is_a_key() -> None:
    assert load_document(b'"<<": {a: 1}\n') == {"<<": {"a": 1}}


def test_aliases_give_values_of_their_own() -> None:
    document = load_document(b"a: &x [1]\nb: *x\n")

    assert isinstance(document, dict)
    document["a"].append(2)
    assert document["b"] == [1]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("!!str 1", "1"),
        ("!!str", ""),
        ('!!int "0x10"', 16),
        ("!!float 3", 3),
        ('!!bool "yes"', True),
        ("!!null ~", None),
        ("!!timestamp 2001-1-1", "2001-1-1"),
        ("!!binary aGVsbG8=", "hello"),
        ("!!binary /w==", "\ufffd"),
        ("!custom 12", "12"),
        ("! 12", "12"),
        ("!!set x", "x"),
    ],
)
def test_tags(scalar: str, value: object) -> None:
    assert value_of(scalar) == value


@pytest.mark.parametrize(
    "scalar",
    [
        "!!int x",
        "!!int 1.5",
        "!!bool 1",
        "!!null x",
        "!!timestamp 2001-02-29",
        "!!binary a",
        "!e!x 1",
    ],
)
def test_tags_that_do_not_fit(scalar: str) -> None:
    with pytest.raises(ManifestError):
        value_of(scalar)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"a: \"it\\'s\"\n", {"a": "it's"}),
        (b"[a:, {b:}]\n", ["a:", {"b:": None}]),
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        ("a: é\n".encode("utf-16"), {"a": "é"}),
        (b"%YAML 1.1\n---\na: 1\n", {"a": 1}),
        (b"a: |+\n  x\n\n", {"a": "x\n\n"}),
        (b"a: >-\n  x\n  y\n", {"a": "x y"}),
        (b"a: \"\\x41\\u00e9\\U0001F600\"\n", {"a": "Aé😀"}),
        (b"# nothing\n", None),
        (b"", None),
        (b"plain\n", "plain"),
        (b"- - 1\n  - 2\n- {}\n- []\n", [[1, 2], {}, []]),
    ],
)  # fmt: skip
def test_what_go_accepts(text: bytes, value: object) -> None:
    assert load_document(text) == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (b"a: 1\n b: 2\n", (2, 3), "second ':'"),
        (b"a:\n\t- b\n", (2, 1), "cannot start with this character"),
        (b"a: 'x\n", (2, 1), "not closed"),
        (b"a: [1, 2\nb: 3\n", (2, 2), "lacks ',' or ']'"),
        (b"a: *x\n", (1, 4), "stands for an anchor that is not there"),
        (b"a: \xff\n", (1, 4), "not UTF-8"),
        (b"a: \xed\xa0\x80\n", (1, 4), "not UTF-8"),
        (b"a: b\nc: \x00\n", (2, 4), "control character"),
        (b'a: "\\ud800"\n', (1, 7), "names no Unicode character"),
        (b'a: "\\/"\n', (1, 4), "not one of YAML 1.1"),
        (b"[a?b]\n", (1, 2), "'?' that has to be quoted"),
        (b"a: {{ b }}\n", (1, 5), "cannot be a key"),
        (b"%YAML 1.2\n---\na: 1\n", (1, 1), "version that Kubernetes refuses"),
        (b"a: 1\n...\nb: 2\n", (3, 1), "something follows the end"),
        (b"a: 1\n---\nb: 2\n", (2, 1), "a second document"),
        (b"[a] b\n", (1, 5), "something follows the end"),
        (b"a: x\n\xef\xbb\xbfb: y\n", (2, 1), "byte order mark"),
        (b"[!t, b]\n", (1, 2), "where YAML readers differ"),
        (b"\xff\xfea", (1, None), "broken UTF-16"),
    ],
)
def test_what_is_refused_and_where(
    text: bytes, place: tuple[int, int | None], message: str
) -> None:
    for strict in (True, False):
        with pytest.raises(ManifestError) as caught:
            load_document(text, strict=strict)

        assert message in caught.value.message
        assert (caught.value.line, caught.value.column) == place


def test_lines_of_errors_count_as_an_editor_does() -> None:
    with pytest.raises(ManifestError) as caught:
        load_document('a: "é\u2028é"\nb: *x\n'.encode())

    assert (caught.value.line, caught.value.column) == (2, 4)


def test_what_goes_over_a_limit_says_so() -> None:
    for text, limits, message in [
        (b"a: [[1]]", Limits(max_depth=2), "deeper than 2"),
        (b"a: &x [[1]]\nb: [*x]", Limits(max_depth=3), "deeper than 3"),
        (b"[1, 2, 3]", Limits(max_nodes=3), "more than 3 values"),
        (b"[&x 1, *x, *x]", Limits(max_aliases=1), "aliases that expand"),
        (b"abcdef", Limits(max_bytes=5), "more than 5 bytes"),
    ]:
        with pytest.raises(ManifestError, match=message):
            load_document(text, limits=limits)


def test_depth_100_is_read_and_depth_101_is_not() -> None:
    for opening, closing in (("[", "]"), ("{a: ", "}")):
        load_document((opening * 100 + closing * 100).encode())
        with pytest.raises(ManifestError, match="deeper than 100"):
            load_document((opening * 101 + closing * 101).encode())


def test_load_yaml_reads_a_stream_of_bytes_or_text() -> None:
    stream = "# head\n---\na: yes\n---\n\n---\n- 1\n---\nnull\n"

    assert load_yaml(stream) == load_yaml(stream.encode()) == ({"a": True}, [1], None)


def test_load_yaml_counts_lines_from_the_start_of_the_stream() -> None:
    with pytest.raises(ManifestError) as caught:
        load_yaml("a: 1\n---\n# x\nb: 1\nb: 2\n")

    assert (caught.value.line, caught.value.column) == (5, 1)


def test_load_yaml_takes_the_end_of_the_data_as_it_is() -> None:
    assert load_yaml("a: |\n  x") == ({"a": "x"},)


def test_load_yaml_refuses_half_a_surrogate_pair() -> None:
    with pytest.raises(ManifestError, match="half of a surrogate pair") as caught:
        load_yaml("a: 1\nb: \ud800\n")

    assert caught.value.line == 2


def test_infinity_never_comes_out() -> None:
    assert not math.isinf(float(str(value_of("1.7976931348623157e308"))))


def test_a_pyyaml_without_libyaml_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)

    with pytest.raises(InternalError, match="wheels"):
        load_document(b"a: yes\n")
