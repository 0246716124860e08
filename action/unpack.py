"""Takes Helm and kubectl out of the package that carries them, and puts Kustomize beside them.

    unpack.py FOLDER-OF-PACKAGES FOLDER-FOR-PROGRAMS

The package's hash is checked by pip before this runs. kubectl holds Kustomize: gitops-gate takes a
`kustomize` that is a link to it for what it is.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path

_PROGRAMS = ("helm/helm", "kubectl/kubectl")


def main(packages: Path, programs: Path) -> None:
    """Write both programs, and the link."""
    (wheel,) = packages.glob("*.whl")
    layer = _layer(wheel)
    with zipfile.ZipFile(io.BytesIO(layer)) as files:
        for name in _PROGRAMS:
            program = programs / Path(name).name
            program.write_bytes(files.read(name))
            program.chmod(0o755)
    (programs / "kustomize").symlink_to("kubectl")


def _layer(wheel: Path) -> bytes:
    """The archive of programs: a zip in a tar in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        inner = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
        for member in archive:
            if member.name.endswith("/layer.zip"):
                file = archive.extractfile(member)
                assert file is not None
                return file.read()
    raise SystemExit("the package holds no layer.zip")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
