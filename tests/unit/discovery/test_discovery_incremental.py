"""A survey made from an earlier one is the survey of the whole tree, whatever changed."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import affected, discover_pair
from gitops_gate.discovery.listing import Listing
from gitops_gate.discovery.reader import FactReader
from gitops_gate.discovery.survey import Survey, changes_structure, resurvey, survey_tree
from gitops_gate.discovery.survey_json import decode, encode
from gitops_gate.source import Tree, changed_paths
from tests.unit.discovery.trees import Link, Submodule, chart, component, manifest, tree_of

FOLDERS = ("", "a/", "a/b/", "c/", "a/charts/x/", "c/charts/", "a/charts/")
NAMES = (
    "kustomization.yaml",
    "kustomization.yml",
    "Chart.yaml",
    "requirements.yaml",
    "x.yaml",
    "plugin.yaml",
    "values-prod.yaml",
    "data.txt",
    "main.jsonnet",
    "dep-1.0.0.tgz",
)
REFERENCES = ("x.yaml", "../c", "../a", "b", "../../c", "data.txt", "../c/x.yaml", "plugin.yaml")
PLUGIN = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {{name: p}}\npath: {}\nmore: {}\n"
FLUX = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: ./c}\n"
POINTER = "version https://git-lfs.github.com/spec/v1\n"

references = st.sampled_from(REFERENCES)
contents = st.one_of(
    st.builds(
        "resources: [{}]\npatches: [{{path: {}}}]\ntransformers: [{}]\n".format,
        references,
        references,
        references,
    ),
    st.builds("generators: [{}]\n".format, references),
    st.builds(
        "helmCharts: [{{name: x}}]\nhelmGlobals: {{chartHome: {}}}\n".format,
        st.sampled_from(("charts", "../a/charts")),
    ),
    st.builds(component, references),
    st.builds(
        lambda where: chart(dependencies=f"[{{name: dep, repository: '{where}'}}]"),
        st.sampled_from(("file://../../c", "https://x", "file://b")),
    ),
    st.builds(manifest, st.sampled_from("pq")),
    st.builds(PLUGIN.format, references, references),
    st.sampled_from((chart("x"), FLUX, POINTER, "a: 1", "[", "apiVersion: v1\nkind: {{ x }}\n")),
    st.builds(Link, st.sampled_from(("../c", "x.yaml", "/etc", "../a/b/x.yaml"))),
    st.builds(Submodule, st.just("1")),
)
paths = st.builds(str.__add__, st.sampled_from(FOLDERS), st.sampled_from(NAMES))
trees = st.dictionaries(paths, contents, max_size=12)


def surveyed(tree: Tree) -> tuple[Listing, Survey]:
    listing = Listing(tree)
    return listing, survey_tree(listing, FactReader(listing))


@given(trees, trees, st.booleans())
@example({"a/kustomization.yaml": "transformers: [../c]"}, {"c/kustomization.yaml": ""}, True)
@example(
    {"a/kustomization.yaml": "patches: [{path: b}]\ntransformers: [../a]\n"},
    {"a/b/kustomization.yaml": "transformers: [x.yaml]\n"},
    True,
)
def test_the_way_to_a_survey_does_not_matter(one, other, keep):
    before, after = tree_of(one), tree_of(one | other if keep else other)
    listing, survey = surveyed(before)
    later, expected = surveyed(after)
    changed = frozenset(changed_paths(before, after))
    if not changes_structure(changed, listing, later):
        assert resurvey(survey, changed, later, FactReader(later)) == expected
    assert decode(encode(expected)) == expected


@given(trees, trees)
def test_whatever_a_tree_holds_discovery_ends_and_every_change_is_seen_or_harmless(one, more):
    before, after = tree_of(one), tree_of(one | more)
    base, head = discover_pair(before, after, Settings())
    result = affected(base, head, before, after)
    for path in changed_paths(before, after):
        read = {
            name
            for side in (base, head)
            for name, closure in side.closures.items()
            if path in closure.files
        }
        assert read <= set(result.applications)
        unread = not read and any(
            path in files for side in (base, head) for files in side.kustomization_files.values()
        )
        assert not unread or path in {item.path for item in result.unreached}


@given(trees)
def test_every_manifest_belongs_somewhere(files):
    tree = tree_of(files)
    base, _ = discover_pair(tree, tree, Settings())
    known = {path for closure in base.closures.values() for path in closure.files}
    known |= {item.path for item in base.unclaimed}
    known |= {path for some in base.kustomization_files.values() for path in some}
    assert set(base.facts) <= known
