"""Which paths a pattern matches: `matching paths | other paths`, one case for each path."""

from __future__ import annotations

from collections.abc import Mapping


def cases(table: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """Pattern, path, and whether it matches."""
    found = []
    for pattern, paths in table.items():
        words = paths.split()
        bar = words.index("|")
        found += [(pattern, path, at < bar) for at, path in enumerate(words) if at != bar]
    return found


GITHUB = {
    # docs.github.com, "About code owners": the example file
    "*": "README.md a/b.js a/b/c/d .gitignore .github/CODEOWNERS |",
    "*.js": "a.js lib/b.js a/b/c.js .js x.js/y | a.jsx js a.js.map",
    "*.go": "main.go cmd/x/main.go | main.gox",
    "*.txt": "a.txt x/y.txt | a.text",
    "/build/logs/": "build/logs/a build/logs/x/y | build/logs a/build/logs/b build/log/a",
    "docs/*": "docs/getting-started.md docs/.x | docs/build-app/troubleshooting.md a/docs/x docs",
    "apps/": "apps/a x/apps/a x/apps/y/z | apps x/apps myapps/a apps.txt",
    "/docs/": "docs/a docs/a/b | x/docs/a docs",
    "/scripts/": "scripts/a scripts/b/c | x/scripts/a",
    "**/logs": "build/logs/a scripts/logs/b deeply/nested/logs/c logs/d logs | mylogs/a logs.txt",
    "/apps/github": "apps/github apps/github/a | apps/githubx apps/a apps x/apps/github",
    # names without a slash: at any depth, files and whole directories
    "foo": "foo foo/bar bar/foo bar/foo/baz | foo.txt bar/foo.txt barfoo Foo FOO/a",
    "README": "README x/README | README.md readme",
    "f*": "foo foo/bar bar/foo bar/foo/baz f | bar/baz xfoo",
    "*f": "f of x/of/y | fo",
    "f?o": "foo x/fao fxo/a | fo fooo f/o",
    "???": "abc x/abc abc/defgh | ab abcd",
    "f*/": "foo/bar bar/foo/baz f/x | foo bar/baz xfoo",
    "*.d/": "conf.d/a x/conf.d/b/c | conf.d",
    "a*b*c": "abc axbxc x/aabbcc/y | ab acb",
    # with a slash: from the root
    "/foo": "foo foo/bar foo/bar/baz | fool.txt bar/foo bar/foo/baz",
    "/foo/": "foo/bar foo/bar/baz | foo bar/foo bar/foo/baz",
    "foo/bar": "foo/bar foo/bar/baz | foo/bart baz/foo/bar foo",
    "foo/bar/": "foo/bar/baz | foo/bar baz/foo/bar/qux",
    "/foo/bar/": "foo/bar/baz foo/bar/baz/qux | foo/bar foo/bart baz/foo/bar/q",
    "/*": "foo .bar | foo/bar foo/bar/baz",
    "/f*": "foo foo/bar foo/bar/baz | bar/foo xfoo",
    "/*/": "foo/bar bar/foo/baz | foo",
    "/f*/": "foo/bar | foo bar/foo xfoo/a",
    "/*.md": "a.md x.md/y | docs/a.md",
    "foo/*": "foo/bar | foo foo/bar/baz bar/foo",
    "foo/*/": "foo/a/b foo/a/b/c | foo/a foo",
    "foo/*/*": "foo/a/b | foo/a foo/a/b/c",
    "foo/*.txt": "foo/bar.txt foo/d.txt/x | foo/bar/baz.txt qux/foo/bar.txt",
    "foo/*/baz": "foo/bar/baz foo/bar/baz/qux | foo/baz foo/a/b/baz",
    "foo/b*": "foo/b foo/bar foo/bar/x | foo/ab x/foo/bar",
    "*/foo": "a/foo a/foo/b | foo a/b/foo",
    # any depth
    "**": "a a/b a/b/c |",
    "/**": "a a/b |",
    "**/foo": "foo a/foo a/b/foo foo/x | afoo foo.c",
    "**/foo/bar": "foo/bar qux/foo/bar qux/foo/bar/baz | foo/baz/bar",
    "**/*bar*": "bar foo/bar foo/rebar foo/barrio foo/qux/bar | foo/baz",
    "**/*.yaml": "a.yaml x/a.yaml x/y/a.yaml | a.yml",
    "**/*": "a a/b a/b/c |",
    "foo/bar/**": "foo/bar/baz foo/bar/baz/qux | foo/bar qux/foo/bar/baz",
    "foo/**": "foo/a foo/a/b | foo x/foo/a",
    "foo/**/": "foo/bar foo/bar/baz | foo",
    "foo/**/bar": "foo/bar foo/bar/baz foo/qux/bar/baz foo/q/r/bar | qux/foo/bar foo/barx",
    "foo/**/bar/b*": "foo/bar/baz foo/qux/bar/baz | foo/bar foo/bar/qux foo/qux/bar/qux",
    "foo/**/*": "foo/a foo/a/b | foo a/foo/b",
    "foo/**/**/bar": "foo/bar foo/a/b/bar | foo/a",
    "**/a/**/b": "a/b x/a/b a/x/y/b x/a/y/b/z | b/a a/c",
    "/a/**/b/**/c": "a/b/c a/x/b/y/z/c/d | a/c b/c a/b",
    "a**": "a abc x/ab | ba",
    "foo/a**b": "foo/ab foo/axxb | foo/a/b",
    # escapes, and characters that are nothing special
    r"f\*o": "f*o x/f*o | foo fxo",
    r"f\?o": "f?o | foo",
    r"a\[b\].js": "a[b].js x/a[b].js | ab.js",
    r"a\\b": r"a\b | ab",
    "/a{b,c}": "a{b,c} | ab ac",
    "a+b": "a+b | aab ab",
    "a.b": "a.b | axb",
    "(x|y)": "(x|y) | x y",
    "^a$": "^a$ | a",
    "foo:bar": "foo:bar | foo-bar",
    "a!b": "a!b |",
    "@scope/": "@scope/a x/@scope/b |",
    "ü.txt": "ü.txt x/ü.txt | u\u0308.txt",
}

GITLAB = {
    # docs.gitlab.com, user/project/codeowners/reference: "Path matching"
    "/README.md": "README.md | docs/README.md README.mdx",
    "/docs/README.md": "docs/README.md | README.md a/docs/README.md",
    "README.md": "README.md internal/README.md app/lib/README.md | xREADME.md README.md/a",
    "internal/README.md": "internal/README.md docs/internal/README.md docs/api/internal/README.md"
    " | README.md internal/x/README.md",
    "/docs/": "docs/a docs/a/b docs/.x | docs a/docs/b",
    "/docs/*.md": "docs/a.md docs/.md | docs/x/a.md a.md x/docs/a.md",
    "/docs/index.*": "docs/index.md docs/index.html docs/index.xml docs/index. | docs/index",
    "/docs/*spec*": "docs/qa_specs.rb docs/spec_helpers.rb docs/runtime.spec | docs/a/spec docs/x",
    "/docs/*/README.md": "docs/api/README.md | docs/README.md docs/a/b/README.md",
    "/docs/**/index.md": "docs/index.md docs/api/index.md docs/api/graphql/index.md | index.md",
    "/docs/**/*.md": "docs/a.md docs/x/y/a.md | a.md docs/a.rb",
    "/db/**/index.md": "db/index.md db/a/b/index.md | index.md x/db/index.md",
    "**/*.rb": "config/database.rb app/controllers/users/stars_controller.rb a.rb | a.rbx",
    "/config/**/*.rb": "config/a.rb config/x/y.rb | a.rb lib/config/a.rb",
    "**/generated/": "generated/a x/generated/b/c | generated",
    "lib/": "lib/a ee/lib/gitlab/git/repository.rb lib/x/y | lib mylib/a",
    "/config/": "config/database.yml | other/config/database.yml",
    # patterns without a slash, and names of directories
    "*": "a a/b a/b/c .x x/.y |",
    "*.rb": "hello.rb app/models/repository.rb .rb | a.rbx rb x.rb/y",
    "foo": "foo a/foo a/b/foo | foo/bar a/foo/b foo.txt Foo",
    "docs": "docs ee/docs | docs/a",
    "foo/": "foo/a x/foo/a/b | foo",
    "fo?": "foo x/fob | fo fooo foo/x",
    "ee/docs": "ee/docs x/ee/docs | ee/docs/a",
    "/": "a a/b a/b/c |",
    # one star is one segment, wherever the pattern starts
    "foo/*": "foo/bar baz/foo/bar foo/.x | fufoo/bar foo/a/b foo",
    "/foo/*": "foo/bar | baz/foo/bar foo/a/b",
    "/*": "README.md .x | nested/path/README.md a/b",
    "/*/": "a/b a/b/c | a",
    "/*/*": "a/b | a a/b/c",
    "a/*/c": "a/b/c x/a/b/c | a/c a/b/b/c",
    # two stars are any depth only before a slash
    "**": "a a/b |",
    "/**": "a | a/b",
    "/foo/**": "foo/a | foo/a/b foo",
    "/foo/**/*": "foo/a foo/a/b/c | foo x/foo/a",
    "foo/**": "foo/a x/foo/a | foo/a/b",
    "/**/foo": "foo a/foo a/b/foo | foo/a",
    "/a/**/b/**/c": "a/b/c a/x/b/y/z/c | a/c a/b a/b/c/d",
    "/a/**/**/b": "a/b a/x/y/b | a",
    "/a**/b": "a/b axx/b | a/c/b",
    "/a**b": "ab axb | a/b",
    "***": "a a/b |",
    # brackets are sets and ranges here
    "/[ab].rb": "a.rb b.rb | c.rb ab.rb",
    "/x[0-9]": "x0 x5 x9 | xa x10",
    "/x[!0-9]": "xa x- | x0 x",
    "/x[^a]": "xb | xa",
    r"/x[\]]": "x] | x",
    "/x[]a]": "| x] xa",
    "/x[!]y": "xay x!y | xy",
    "/x[a": "| x[a xa x",
    "/[a/]b": "ab | a/b",
    "/[z-a]": "z a | m",
    "/*[ab]*": "xa b | xc",
    # escapes, and characters that are nothing special
    r"\#file_with_pound.rb": "#file_with_pound.rb x/#file_with_pound.rb | file_with_pound.rb",
    r"/a\*": "a* | ab",
    r"/a\?": "a? | ab",
    r"/a\[b\]": "a[b] | ab",
    r"/a\/b": "a/b | ab",
    r"/a\b": r"ab | a\b",
    r"/a\\b": r"a\b | ab",
    "/a{b,c}": "a{b,c} | ab",
    "a+(b)": "a+(b) | aab",
    "a#b": "a#b x/a#b | a",
    "ü.rb": "ü.rb x/ü.rb | u\u0308.rb",
    "/.*": ".gitignore . | a",
    "//a": "| a x/a",
}
