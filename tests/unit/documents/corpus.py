"""Makes YAML documents that readers disagree about, from a seed.

`documents(seed, count)` writes documents of every construct that YAML 1.1 has, well or badly;
`mutants(seed, count)` damages the manifests below in small ways. Same seed, same documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

_SCALARS = """
y Y n N yes Yes YES yEs no No NO on On ON off Off OFF true True TRUE tRue false False FALSE ~
null Null NULL nULL 0 -0 +0 00 01 07 08 09 017 -017 0o17 0O17 -0o17 +0o17 0o 0o8 0x 0x1F 0X1f
-0x1f +0x1f 0xg 0b1 0B11 -0b1 +0b1 0b 0b2 1_000 1__0 _1 1_ +_1 -_1 _ 0_7 0_x1F 0x_1F 0b_1 1.0 1.
.5 -.5 +.5 .5_0 ._5 1._5 1_.5 1e3 1E3 1e+3 1e-3 1e 1e_5 1_e5 1e400 -1e400 1e-400 1.5e3 .e3 . -
-- + 1e21 1e20 123456789012345678901 9223372036854775807 9223372036854775808 0644 0755
-9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616
+9223372036854775808 0xFFFFFFFFFFFFFFFF 0xFFFFFFFFFFFFFFFFF 01777777777777777777777 .inf .Inf
+.inf -.inf .nan .NaN +.nan inf nan Infinity 1:30 1:30:45 190:20:30.15 2001-01-01
2001-01-01T00:00:00Z 1.2.3 10.0.0.1 12e03 0.0 -0.0 1.5 0.1 1e-7 0.000001 5e-324 << = 1,000 100m
1Mi 8080 80 1234567 0.25 v1 apps/v1 Deployment web nginx:1.25 registry.example.com/a/b:v1
http://example.com/?a=1&b=2 a?b ?a a:b :a a: -a a#b a'b a"b a\\b $(VAR) ${VAR} @a `a` %a *a &a !a
|a >a {a [a ]a }a ,a a,b a]b a}b a[b a{b 2001-1-1 3.4028235e38 123456.0 1e6 0.00001 é 日本 😀
"""
SCALARS = tuple(_SCALARS.split())
"""Words that some reader of YAML takes for something other than text, and ordinary ones."""

TEXTS = (
    "two words", "yes it is", "a  b", "say no", "# not a comment", "a #b", "a # b",
    "key: value", "- item", "it's", 'say "hi"', "tab\there", "trailing ", " leading", "", " ",
    "end:", "a: b: c", "line\nbreak", "two\n\nbreaks", "last\n", "\nfirst", "  deep\n shallow",
    "é\u00a0日本", "nel\x85x", "ls\u2028x", "ps\u2029x", "[1, 2]", "{a: b}", "{{ .Values.x }}",
    "a\\nb", "%percent", "@at", "---", "--- x", "...", "x\ny: z", "<<", "!tag", "&anchor",
    "*alias", "? x", "| x", "> x",
)  # fmt: skip
KEYS = ("a", "b", "c", "name", "apiVersion", "kind", "metadata", "spec", "data", "x-y", "a.b/c")
ESCAPES = (
    "\\0", "\\a", "\\b", "\\t", "\\n", "\\v", "\\f", "\\r", "\\e", "\\ ", '\\"', "\\/", "\\\\",
    "\\N", "\\_", "\\L", "\\P", "\\x41", "\\u00e9", "\\ud800", "\\U0001F600", "\\U00110000",
    "\\'", "\\q", "\\x4", "\\\n", "\\\n  ", "\\\t", "\\uFEFF",
)  # fmt: skip
TAGS = (
    "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary", "!!map",
    "!!seq", "!!merge", "!foo", "!", "!<tag:yaml.org,2002:str>", "!e!x", "!!", "!foo%20bar",
    "!a:b",
)  # fmt: skip
SNIPPETS = (
    ": ", ":", " #", "#", "- ", "-", "? ", "?", ", ", ",", "[", "]", "{", "}", "&x ", "*x",
    "!!str ", "!", "|", ">", "|-", ">+", "|2", "'", '"', "''", "\\", "\\/", "\\'", "\n", "\n\n",
    " ", "  ", "\t", "\r", "\r\n", "---\n", "\n---\n", "...\n", "%YAML 1.1\n", "%YAML 1.2\n",
    "<<: ", "<<: *x\n", "yes", "0644", "~", "1_0", "é", "\x85", "\u2028", "\u00a0", "\x07",
    "\x7f", "\x00", "@", "`", "%", "=", ".inf", "1.0", "\n- ", "\n  ",
)  # fmt: skip

MANIFESTS = (
    """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web, tier: "front"}
  annotations:
    checksum/config: 0e12345
    note: >-
      a folded text
      over lines
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: registry.example.com/shop/web:1.2.3
        command: ["/bin/sh", "-c", 'exec web --port=8080']
        args:
        - --verbose
        - "--level=5"
        env:
        - name: DEBUG
          value: "yes"
        - {name: EMPTY, value: ""}
        resources:
          limits: {cpu: 500m, memory: 128Mi}
          requests:
            cpu: 0.25
            memory: 64Mi
        ports:
        - containerPort: 8080
          protocol: TCP
        volumeMounts: []
      securityContext: {}
""",
    """\
# settings of the shop
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  empty:
  tilde: ~
  run.sh: |
    #!/bin/sh
    set -eu
    if [ "$1" = yes ]; then
      echo "on: $2"   # not a comment
    fi
  app.json: |-
    {"port": 8080, "paths": ["/a", "/b"], "url": "http://example.com/?q=1"}
  folded: >
    one
    two

    three
      indented
  multi: first
    second
    third
  quoted: "with \\"escapes\\" and \\u00e9 and
    a folded line"
  single: 'it''s here'
""",
    """\
apiVersion: v1
kind: Pod
metadata: &meta
  name: pod
  labels: &labels
    app: pod
    on: "off"
spec:
  defaults: &defaults {cpu: 1, memory: 1Gi}
  containers:
  - name: one
    limits:
      <<: *defaults
      pods: 2
    selector: *labels
  - name: two
    limits: {<<: [*defaults, {gpu: 1}], disk: 3}
    mode: 0644
    time: 2001-01-01
""",
    """\
{
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {"kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 443}]}},
    {"kind": "Service", "spec": {"type": null, "enabled": true, "weight": 1.5e3}}
  ]
}
""",
)


def documents(seed: int, count: int) -> Iterator[bytes]:
    """Documents written from scratch."""
    for number in range(count):
        yield _Writer(Random(f"{seed}/{number}")).document()


def mutants(seed: int, count: int, manifests: tuple[str, ...] = MANIFESTS) -> Iterator[bytes]:
    """Manifests with one to three small changes each."""
    for number in range(count):
        random = Random(f"{seed}:{number}")
        text = random.choice(manifests)
        for _ in range(random.choice((1, 1, 2, 3))):
            text = _mutate(random, text)
        yield text.encode()


def _mutate(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    place = random.randrange(len(text) + 1)
    match random.randrange(9):
        case 0:
            lines.insert(random.randrange(len(lines)), lines[at])
        case 1:
            del lines[at]
        case 2:
            lines[at] = " " * random.randint(1, 3) + lines[at]
        case 3:
            lines[at] = lines[at].removeprefix(" " * random.randint(1, 2))
        case 4:
            head, colon, _ = lines[at].partition(": ")
            lines[at] = head + colon + random.choice(SCALARS)
        case 5:
            indent = len(lines[at]) - len(lines[at].lstrip(" -"))
            lines[at] = lines[at][:indent] + random.choice(SCALARS) + ": 1"
        case 6:
            return text[:place] + text[place + random.randint(1, 3) :]
        case _:
            return text[:place] + random.choice(SNIPPETS) + text[place:]
    return "\n".join(lines)


class _Writer:
    """Writes one document; most of it is well formed, so that the rest is reached."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._anchors: list[str] = []

    def document(self) -> bytes:
        random = self._random
        text = self._node(0, 0)
        prefix = self._rarely("---\n", "--- # x\n", "%YAML 1.1\n---\n", "# comment\n", "\n", "--- ")
        suffix = self._rarely(
            "...\n", "# end\n", "\n\n", "...\nx: y\n", "---\n", "\n---\nb: 1\n", "]"
        )
        text = prefix + text.lstrip(" ") + suffix
        if random.random() < 0.05:
            text = text.replace("\n", random.choice(("\r\n", "\r", "\x85", "\u2028")))
        if random.random() < 0.15:
            text = _mutate(random, text)
        data = text.encode()
        if random.random() < 0.02:
            data = random.choice((b"\xef\xbb\xbf" + data, text.encode("utf-16")))
        if random.random() < 0.02:
            place = random.randrange(len(data) + 1)
            wrong = random.choice(
                (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5", b"\x00")
            )
            data = data[:place] + wrong + data[place:]
        return data

    def _rarely(self, *choices: str, chance: float = 0.12) -> str:
        return self._random.choice(choices) if self._random.random() < chance else ""

    def _node(self, indent: int, depth: int) -> str:
        """A block node that starts on a line of its own, ending with a line break."""
        draw = self._random.random()
        if depth > 3 or draw < 0.1:
            return " " * indent + self._scalar(indent) + "\n"
        if draw < 0.2:
            return " " * indent + self._flow(depth) + "\n"
        return self._mapping(indent, depth) if draw < 0.7 else self._sequence(indent, depth)

    def _mapping(self, indent: int, depth: int) -> str:
        random = self._random
        lines = []
        for _ in range(random.randint(1, 4)):
            odd = self._rarely(" ", "\t", chance=0.01)
            lines.append(f"{' ' * indent}{odd}{self._entry(indent, depth)}")
            lines.append(
                self._rarely("\n", " " * indent + "# comment\n", "#c\n", "  \n", chance=0.05)
            )
        return "".join(lines)

    def _entry(self, indent: int, depth: int) -> str:
        random = self._random
        if random.random() < 0.06 and self._anchors:
            many = "[" + ", ".join("*" + a for a in random.choices(self._anchors, k=2)) + "]"
            return f"<<: {random.choice((many, '*' + random.choice(self._anchors)))}\n"
        key = self._key()
        if random.random() < 0.03:
            return f"? {key}\n{' ' * indent}: {self._inline(indent)}\n"
        colon = self._rarely(" :", ":  ", ":", chance=0.04) or ":"
        if random.random() < 0.4 and depth <= 3:
            properties = self._properties()
            gap = " " + properties.rstrip() if properties else ""
            step = random.choice((2, 2, 2, 2, 1, 3, 4))
            if random.random() < 0.4:
                nested = self._sequence(indent + random.choice((0, step)), depth + 1)
                return f"{key}{colon}{gap}\n{nested}"
            return f"{key}{colon}{gap}\n{self._node(indent + step, depth + 1)}"
        return f"{key}{colon} {self._inline(indent)}\n"

    def _sequence(self, indent: int, depth: int) -> str:
        random = self._random
        lines = []
        for _ in range(random.randint(1, 3)):
            draw = random.random()
            dash = " " * indent + "-"
            if draw < 0.05:
                lines.append(f"{dash}\n")
            elif draw < 0.5 or depth > 3:
                lines.append(f"{dash} {self._inline(indent)}\n")
            else:
                nested = self._node(indent + 2, depth + 1)
                lines.append(
                    f"{dash} {self._properties() * (random.random() < 0.3)}{nested.lstrip(' ')}"
                )
        return "".join(lines)

    def _inline(self, indent: int) -> str:
        draw = self._random.random()
        comment = self._rarely(" # comment", "  #", "#x", " ", chance=0.06)
        if draw < 0.08 and self._anchors:
            return "*" + self._random.choice([*self._anchors, "missing"][-3:]) + comment
        if draw < 0.2:
            return self._properties() + self._flow(2) + comment
        return self._properties() + self._scalar(indent) + comment

    def _properties(self) -> str:
        draw = self._random.random()
        if draw < 0.05:
            self._anchors.append(f"x{self._random.randint(1, 3)}")
            return f"&{self._anchors[-1]} "
        return self._random.choice(TAGS) + " " if draw < 0.09 else ""

    def _key(self) -> str:
        random = self._random
        draw = random.random()
        if draw < 0.7:
            return random.choice(KEYS)
        if draw < 0.85:
            return random.choice(SCALARS)
        if draw < 0.95:
            return self._quoted(random.choice((*TEXTS, *SCALARS)))
        return self._properties() + random.choice((*KEYS, "[a, b]", "{a: b}", "*x1 ", "k" * 1030))

    def _scalar(self, indent: int) -> str:
        random = self._random
        draw = random.random()
        if draw < 0.5:
            return random.choice(SCALARS)
        if draw < 0.6:
            return random.choice(TEXTS)
        if draw < 0.8:
            return self._quoted(random.choice((*TEXTS, *SCALARS)))
        if draw < 0.87:
            more = random.choice((" " * (indent + 2), " ", "", "\t", " " * indent))
            return random.choice(TEXTS) + "\n" + more + random.choice(SCALARS)
        return self._block_scalar(indent)

    def _quoted(self, text: str) -> str:
        random = self._random
        if random.random() < 0.4:
            return "'" + text.replace("'", "''") + "'"
        body = text.replace("\\", "\\\\").replace('"', '\\"')
        for _ in range(random.choice((0, 0, 1, 2))):
            place = random.randint(0, len(body))
            if not body[:place].endswith("\\"):
                body = body[:place] + random.choice(ESCAPES) + body[place:]
        return f'"{body}"'

    def _block_scalar(self, indent: int) -> str:
        random = self._random
        header = random.choice("|>") + random.choice(
            ("", "", "-", "+", "2", "1-", "+3", "-2", "0", "x")
        )
        header += self._rarely(" # comment", " ", "#x", chance=0.1)
        step = random.choice((2, 2, 2, 1, 3, 4))
        lines = []
        for _ in range(random.randint(0, 4)):
            extra = random.choice(("", "", "", " ", "  ", "\t", "\n"))
            lines.append(
                " " * (indent + step) + extra + random.choice((*TEXTS, *SCALARS)).split("\n")[0]
            )
        lines += random.choice(([], [], [""], ["", ""], ["   "]))
        return "\n".join([header, *lines])

    def _flow(self, depth: int) -> str:
        random = self._random
        if depth > 4 or random.random() < 0.15:
            return random.choice(("[]", "{}", "[ ]", "{ }", "[,]", "{,}", "[", "}", "[a]]"))
        items = []
        for _ in range(random.randint(1, 3)):
            value = self._flow(depth + 1) if random.random() < 0.3 else self._flow_scalar()
            draw = random.random()
            if draw < 0.5:
                colon = random.choice((": ", ": ", ": ", ":", " : ", ":\n "))
                items.append(f"{self._flow_scalar()}{colon}{value}")
            elif draw < 0.53:
                items.append(f"? {self._flow_scalar()} : {value}")
            else:
                items.append(value)
        comma = random.choice((", ", ", ", ",", " , ", ",\n  ", ", # c\n ", ",\n"))
        body = comma.join(items) + self._rarely(",", " ", "\n", chance=0.1)
        return f"[{body}]" if random.random() < 0.5 else f"{{{body}}}"

    def _flow_scalar(self) -> str:
        random = self._random
        draw = random.random()
        if draw < 0.5:
            return random.choice(SCALARS)
        if draw < 0.75:
            return random.choice(KEYS)
        if draw < 0.85:
            return self._quoted(random.choice((*TEXTS, *SCALARS)))
        return self._properties() + random.choice(TEXTS).replace("\n", "\n ")
