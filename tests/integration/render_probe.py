"""A small hostile program: tries everything that a renderer must not do, and prints what worked.

Run as `python render_probe.py JSON`, with a JSON object of the things to try; prints a JSON object
of name to True (it worked) or the reason why not. It needs nothing but Python's own modules.
"""

PROBE = r"""
import json, os, signal, socket, sys

facts = json.loads(sys.argv[1])


def read(path):
    with open(path, "rb") as file:
        return file.read(1) is not None


def write(path):
    with open(path, "wb") as file:
        file.write(b"x")


def tcp():
    socket.create_connection(("127.0.0.1", facts["port"]), timeout=2).close()


def udp():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", facts["port"]))


def socket_file():
    socket.socket(socket.AF_UNIX).connect(facts["socket"])


def abstract_socket():
    socket.socket(socket.AF_UNIX).connect("\0" + facts["abstract"])


def find_process():
    os.stat("/proc/%d/status" % facts["parent"])


def see_processes():
    others = [name for name in os.listdir("/proc") if name.isdigit()]
    assert others, "nothing listed"


def see_parent():
    assert os.getppid() == facts["parent"], "another parent"


attempts = {
    "read its tree": lambda: read(facts["tree"] + "/file"),
    "write its home": lambda: write(facts["home"] + "/new"),
    "read /etc/passwd": lambda: read("/etc/passwd"),
    "read a neighbour": lambda: read(facts["neighbour"]),
    "read through a link": lambda: read(facts["tree"] + "/link"),
    "list the folder above": lambda: os.listdir(os.path.dirname(facts["tree"])),
    "list the root": lambda: os.listdir("/"),
    "write its tree": lambda: write(facts["tree"] + "/new"),
    "change its tree": lambda: write(facts["tree"] + "/file"),
    "write elsewhere": lambda: write(facts["neighbour"] + ".new"),
    "change a mode elsewhere": lambda: os.chmod(facts["neighbour"], 0o600),
    "cut a file elsewhere": lambda: os.truncate(facts["neighbour"], 0),
    "run another program": lambda: os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {}),
    "connect with TCP": tcp,
    "send with UDP": udp,
    "connect to a socket file": socket_file,
    "connect to an abstract socket": abstract_socket,
    "signal its parent": lambda: os.kill(facts["parent"], 0),
    "find a process": find_process,
    "list processes": see_processes,
    "read the environment of a process": lambda: read("/proc/%d/environ" % facts["parent"]),
}
outcome = {}
for name, attempt in attempts.items():
    try:
        attempt()
        outcome[name] = True
    except BaseException as error:
        outcome[name] = type(error).__name__
outcome["environment"] = dict(os.environ)
print(json.dumps(outcome))
"""

PROMISED = {
    "files": (
        "read /etc/passwd",
        "read a neighbour",
        "read through a link",
        "list the folder above",
        "list the root",
        "write its tree",
        "change its tree",
        "write elsewhere",
        "run another program",
        "list processes",
        "read the environment of a process",
    ),
    "network": (
        "connect with TCP",
        "send with UDP",
        "connect to an abstract socket",
    ),
    "processes": ("signal its parent",),
}
"""What each promise of the sandbox keeps a program from."""

ALLOWED = ("read its tree", "write its home")
"""What every program may do."""
