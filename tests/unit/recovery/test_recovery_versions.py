"""The place that says a version is found and changed; where it is not certain, places are named."""

from __future__ import annotations

import pytest

from gitops_gate.discovery.values import Application, HelmRelease, Renderer
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.recovery.bumps import parse_bump
from gitops_gate.recovery.versions import bumped

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "b" * 64
APP = "registry.example.com/app"

KUSTOMIZATION = f"""\
resources: [../base]  # the base
images:
  - name: app
    newName: {APP}
    newTag: "1.0"   # by the pipeline
"""


def change(
    files: dict[str, str],
    *asked: str,
    renderer: Renderer = Renderer.DIRECTORY,
    values: tuple[str, ...] = (),
    allow_tag: bool = False,
) -> dict[str, str]:
    """The files that changed, by their path."""
    helm = HelmRelease(release="app", values=values) if renderer is Renderer.HELM else None
    application = Application(
        name="app", path="app", renderer=renderer, environment="production", helm=helm
    )
    contents = {path: text.encode() for path, text in files.items()}
    bumps = [parse_bump(one, allow_tag=allow_tag) for one in asked]
    edited, edits = bumped(application, contents, bumps)
    assert edits
    return {path: data.decode() for path, data in edited.items() if data != contents[path]}


def pod(*images: str) -> str:
    containers = "".join(f"  - image: {image}  # pulled\n    name: c\n" for image in images)
    return f"kind: Pod\nspec:\n  containers:\n{containers}"


class TestManifests:
    def test_every_container_of_the_image(self) -> None:
        files = {"app/a.yaml": pod(f"{APP}:1.0", "redis:7"), "app/b.yaml": pod(f"'{APP}:1.0'")}
        assert change(files, f"image={APP}:1.1@{NEW}") == {
            path: text.replace(f"{APP}:1.0", f"{APP}:1.1@{NEW}") for path, text in files.items()
        }

    def test_a_short_name_is_the_same_image(self) -> None:
        done = change({"app/a.yaml": pod("redis:7")}, f"image=docker.io/library/redis:8@{NEW}")
        assert f"image: docker.io/library/redis:8@{NEW}  # pulled" in done["app/a.yaml"]

    def test_another_repository_in_its_place(self) -> None:
        done = change({"app/a.yaml": pod("redis:7", "nginx:1")}, f"redis=valkey/valkey:8@{NEW}")
        assert done["app/a.yaml"] == pod(f"valkey/valkey:8@{NEW}", "nginx:1")

    def test_places_that_differ_are_named(self) -> None:
        files = {"app/a.yaml": pod(f"{APP}:1.0"), "app/b.yaml": pod("x", f"{APP}:1.1")}
        with pytest.raises(ConfigurationError) as caught:
            change(files, f"image={APP}:1.2@{NEW}")
        assert f"app/a.yaml:4 ({APP}:1.0), app/b.yaml:6 ({APP}:1.1)" in str(caught.value)

    def test_where_the_own_folder_and_a_base_differ_the_own_one_decides(self) -> None:
        files = {"app/patch.yaml": pod(f"{APP}:1.1"), "base/web.yaml": pod(f"{APP}:1.0")}
        assert list(change(files, f"image={APP}:1.2@{NEW}")) == ["app/patch.yaml"]
        files = {path: text.replace(":1.1", ":1.0") for path, text in files.items()}
        assert list(change(files, f"image={APP}:1.2@{NEW}")) == ["app/patch.yaml", "base/web.yaml"]

    def test_an_unknown_image_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(ConfigurationError, match=f"the images there are: redis, {APP}") as it:
            change({"app/a.yaml": pod("redis:7", f"{APP}:1")}, f"image=nginx:1@{NEW}")
        assert "no file of app names an image of nginx" in str(it.value)

    def test_a_template_is_not_touched(self) -> None:
        with pytest.raises(ConfigurationError, match=r"values\.KEY=VALUE"):
            change({"app/a.yaml": "image: {{ .Values.image }}\n"}, f"image={APP}:1@{NEW}")


class TestKustomizations:
    def change(self, text: str, *asked: str, allow_tag: bool = False) -> str:
        files = {"app/kustomization.yaml": text, "base/web.yaml": pod("app:latest")}
        done = change(files, *asked, renderer=Renderer.KUSTOMIZE, allow_tag=allow_tag)
        return done["app/kustomization.yaml"]

    def test_a_tag_gets_its_digest(self) -> None:
        done = self.change(KUSTOMIZATION, f"image={APP}:1.1@{NEW}")
        assert done == KUSTOMIZATION.replace(
            '"1.0"   # by the pipeline\n', f'"1.1"   # by the pipeline\n    digest: {NEW}\n'
        )

    def test_a_digest_alone_takes_the_place_of_a_tag(self) -> None:
        done = self.change(KUSTOMIZATION, f"image={APP}@{NEW}")
        assert done == KUSTOMIZATION.replace('newTag: "1.0"', f"digest: {NEW}")

    def test_a_tag_alone_takes_the_place_of_a_digest(self) -> None:
        text = KUSTOMIZATION.replace('newTag: "1.0"', f"digest: {OLD}")
        done = self.change(text, f"image={APP}:1.1", allow_tag=True)
        assert done == text.replace(f"digest: {OLD}", 'newTag: "1.1"')

    def test_an_entry_that_has_both(self) -> None:
        text = f"images: [{{name: {APP}, newTag: v1, digest: '{OLD}'}}]\n"
        done = self.change(text, f"image={APP}:v2@{NEW}")
        assert done == text.replace("v1", "v2").replace(OLD, NEW)
        with pytest.raises(ConfigurationError, match="say both: REPOSITORY:TAG@DIGEST"):
            self.change(text, f"image={APP}@{NEW}")
        with pytest.raises(ConfigurationError, match="a digest, which would outlive its tag"):
            self.change(text, f"image={APP}:v2", allow_tag=True)

    def test_another_name(self) -> None:
        done = self.change(KUSTOMIZATION, f"app=other/app:2@{NEW}")
        assert "newName: other/app\n" in done
        text = f"images:\n- name: {APP}\n  newTag: v1\n"
        done = self.change(text, f"{APP}=other/app:v2@{NEW}")
        assert done == (
            f"images:\n- name: {APP}\n  newName: other/app\n  newTag: v2\n  digest: {NEW}\n"
        )

    def test_the_own_one_decides_before_a_base(self) -> None:
        base = f"images:\n- name: {APP}\n  newTag: v1\n"
        files = {"app/kustomization.yaml": KUSTOMIZATION, "base/kustomization.yaml": base}
        asked = f"image={APP}:v2@{NEW}"
        assert list(change(files, asked, renderer=Renderer.KUSTOMIZE)) == ["app/kustomization.yaml"]
        files["app/kustomization.yaml"] = "resources: [../base]\n"
        assert list(change(files, asked, renderer=Renderer.KUSTOMIZE)) == [
            "base/kustomization.yaml"
        ]

    def test_two_entries_are_ambiguous(self) -> None:
        text = f"images:\n- {{name: a, newName: {APP}}}\n- {{name: b, newName: {APP}}}\n"
        with pytest.raises(ConfigurationError, match=r"app/kustomization\.yaml:2 .*yaml:3"):
            self.change(text, f"image={APP}:v2@{NEW}")

    def test_without_an_entry_it_is_in_the_manifest(self) -> None:
        files = {"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": pod("redis:7")}
        done = change(files, f"image=redis:8@{NEW}", renderer=Renderer.KUSTOMIZE)
        assert list(done) == ["app/a.yaml"]


class TestValues:
    def change(self, values: str, *asked: str, production: str = "", tag: bool = False) -> str:
        files = {"app/values.yaml": values, "app/values-production.yaml": production}
        done = change(
            files,
            *asked,
            renderer=Renderer.HELM,
            values=("app/values-production.yaml",),
            allow_tag=tag,
        )
        (text,) = done.values()
        return text

    def test_repository_tag_and_digest(self) -> None:
        values = f"image:\n  repository: {APP}\n  tag: '1.0'\n  digest: ''  # none\n"
        assert self.change(values, f"image={APP}:1.1@{NEW}") == (
            f"image:\n  repository: {APP}\n  tag: '1.1'\n  digest: '{NEW}'  # none\n"
        )

    def test_a_registry_apart(self) -> None:
        values = "image: {registry: registry.example.com, repository: app, tag: a, digest: ''}\n"
        assert self.change(values, f"image={APP}:b@{NEW}") == (
            f"image: {{registry: registry.example.com, repository: app, tag: b, digest: '{NEW}'}}\n"
        )
        assert self.change(values, f"{APP}=quay.io/x/app:b@{NEW}") == (
            f"image: {{registry: quay.io, repository: x/app, tag: b, digest: '{NEW}'}}\n"
        )

    def test_a_chart_without_a_digest_takes_it_with_the_tag(self) -> None:
        values = f"image:\n  repository: {APP}\n  tag: v1\n"
        assert self.change(values, f"image={APP}:v2@{NEW}").endswith(f"tag: v2@{NEW}\n")
        assert self.change(values, f"image={APP}:v2", tag=True).endswith("tag: v2\n")
        with pytest.raises(ConfigurationError, match="say both"):
            self.change(values, f"image={APP}@{NEW}")

    def test_a_tag_behind_which_a_digest_stands(self) -> None:
        values = f"image:\n  repository: {APP}\n  tag: v1@{OLD}\n"
        assert self.change(values, f"image={APP}:v2@{NEW}").endswith(f"tag: v2@{NEW}\n")

    def test_a_digest_in_bare_digits_stays_so(self) -> None:
        values = f"image: {{repository: {APP}, digest: {'a' * 64}}}\n"
        assert self.change(values, f"image={APP}@{NEW}").endswith(f"digest: {'b' * 64}}}\n")

    def test_the_file_that_counts_most_is_edited(self) -> None:
        values = f"image:\n  repository: {APP}\n  tag: v1\n"
        production = "image:\n  tag: v1   # of production\n"
        done = self.change(values, f"image={APP}:v2@{NEW}", production=production)
        assert done == f"image:\n  tag: v2@{NEW}   # of production\n"

    @pytest.mark.parametrize(
        ("asked", "old", "new"),
        [
            ("values.replicas=5", "replicas: 2", "replicas: 5"),
            ("values.image.tag=1.4", 'tag: "1.3"', 'tag: "1.4"'),
            ("values.debug=true", "debug: false", "debug: true"),
            ("values.hosts[1]=c", "hosts: [a, b]", "hosts: [a, c]"),
            (r"values.labels.example\.com/x=2", "example.com/x: one", 'example.com/x: "2"'),
            ("values.empty=3", "empty:\n", "empty: 3\n"),
        ],
    )
    def test_a_key(self, asked: str, old: str, new: str) -> None:
        values = (
            'replicas: 2\nimage: {tag: "1.3"}\ndebug: false\nhosts: [a, b]\n'
            "labels:\n  example.com/x: one\nempty:\n"
        )
        assert self.change(values, asked) == values.replace(old, new)

    def test_a_key_that_is_not_there(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            self.change("a: 1\n", "values.b.c=2")
        assert "no b.c (app/values.yaml, app/values-production.yaml)" in str(caught.value)


class TestCharts:
    def test_of_a_kustomization(self) -> None:
        text = "helmCharts:\n- name: redis\n  version: 1.0.0\n- name: nginx\n  version: 2.0.0\n"
        files = {"app/kustomization.yaml": text}
        done = change(files, "chart.redis=1.0.1", renderer=Renderer.KUSTOMIZE)
        assert done["app/kustomization.yaml"] == text.replace("1.0.0", "1.0.1")
        with pytest.raises(ConfigurationError, match=r"yaml:3 \(redis 1\.0\.0\), .*yaml:5") as it:
            change(files, "chart=3.0.0", renderer=Renderer.KUSTOMIZE)
        assert "chart.NAME=VERSION" in str(it.value)

    def test_of_its_own_dependencies(self) -> None:
        files = {
            "app/Chart.yaml": (
                "name: app\nversion: 1.0.0\ndependencies:\n- name: x\n  version: 1.0.0\n"
            ),
            "app/charts/x/Chart.yaml": "name: x\nversion: 1.0.0\ndependencies: []\n",
        }
        done = change(files, "chart=1.1.0", renderer=Renderer.HELM)
        assert done == {
            "app/Chart.yaml": (
                "name: app\nversion: 1.0.0\ndependencies:\n- name: x\n  version: 1.1.0\n"
            )
        }

    @pytest.mark.parametrize(
        "text",
        [
            "kind: HelmRelease\nspec: {chart: {spec: {chart: redis, version: 1.0.0}}}\n",
            "kind: HelmRelease\nmetadata: {name: a}\nspec: {chart: {spec: {version: 1.0.0}}}\n",
            "kind: OCIRepository\nspec: {url: oci://r/charts/redis, ref: {tag: 1.0.0}}\n",
            "kind: OCIRepository\nspec: {url: oci://r/charts/redis, ref: {semver: 1.0.0}}\n",
            "kind: Application\nspec: {source: {chart: redis, targetRevision: 1.0.0}}\n",
            "kind: Application\nspec:\n  sources: [{path: x}, {chart: z, targetRevision: 1.0.0}]\n",
        ],
    )
    def test_of_an_agents_object(self, text: str) -> None:
        done = change({"app/a.yaml": f"kind: X\n---\n{text}"}, "chart=1.1.0")
        assert done["app/a.yaml"] == f"kind: X\n---\n{text}".replace("1.0.0", "1.1.0")

    def test_values_inside_of_an_agents_object(self) -> None:
        image = f"{{repository: {APP}, tag: v1}}"
        text = f"kind: HelmRelease\nspec:\n  values:\n    image: {image}\n"
        files = {"app/a.yaml": text}
        assert change(files, "values.image.tag=v2")["app/a.yaml"] == text.replace("v1", "v2")
        done = change(files, f"image={APP}:v2@{NEW}")
        assert done["app/a.yaml"] == text.replace("v1", f"v2@{NEW}")

    def test_a_patch_of_the_own_folder_decides(self) -> None:
        text = "kind: HelmRelease\nspec: {chart: {spec: {chart: redis, version: 1.0.0}}}\n"
        files = {"app/patch.yaml": text, "base/release.yaml": text}
        assert list(change(files, "chart=1.1.0")) == ["app/patch.yaml"]

    def test_none(self) -> None:
        with pytest.raises(ConfigurationError, match="depends on a chart with a version"):
            change({"app/a.yaml": pod("x")}, "chart=1")


class TestAsked:
    @pytest.mark.parametrize(
        ("argument", "why"),
        [
            ("image", "is not NAME=VALUE"),
            ("=x", "is not NAME=VALUE"),
            (f"image={APP}:1.1", "has no digest, and a tag can be moved"),
            ("image=a b", "'a b' is no reference to an image"),
            (f"a b={APP}:1@{NEW}", "'a b' is no reference to an image"),
            (f"{APP}:1={APP}:2@{NEW}", f"say {APP}={APP}:2@{NEW}"),
            ("values.=1", "no path of keys"),
            ("values.a.=1", "no path of keys"),
            ("values.[0]=1", "no path of keys"),
            ("values.a..b=1", "no path of keys"),
        ],
    )
    def test_what_cannot_be_asked(self, argument: str, why: str) -> None:
        with pytest.raises(ConfigurationError, match=why):
            parse_bump(argument)

    def test_a_name_without_a_version(self) -> None:
        with pytest.raises(ConfigurationError, match="names no version"):
            parse_bump(f"image={APP}", allow_tag=True)

    def test_several_at_once(self) -> None:
        files = {"app/a.yaml": pod("redis:7", f"{APP}:1")}
        done = change(files, f"image={APP}:2@{NEW}", f"image=redis:8@{OLD}")
        assert done["app/a.yaml"] == pod(f"redis:8@{OLD}", f"{APP}:2@{NEW}")

    def test_a_value_that_an_anchor_shares_is_not_changed_for_one(self) -> None:
        text = "kind: HelmRelease\nspec:\n  base: &b\n    tag: v1\n  values:\n    image: *b\n"
        with pytest.raises((ConfigurationError, SourceError)):
            change({"app/a.yaml": text}, "values.image.tag=v2")
