"""Build: the package, its compiled kernels (optional) and the four Hummingbot folders carried as data.

``HBX_PURE_PYTHON=1`` builds no kernel, ``HBX_DEBUG=1`` builds them with every check on, ``HBX_ANNOTATE=1`` also writes
Cython's annotation pages. Without Cython or without a compiler the build goes through and the pure twins are used.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from setuptools import Extension, find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = "hummingbot_extensions"
BUNDLE_FOLDERS = ("connectors", "controllers", "scripts", "conf/controllers", "conf/programs", "conf/scripts")
"""Of ``conf`` only what we ship: Hummingbot keeps keys in ``conf/connectors`` of a folder that it runs in."""
# Fused multiply-add would change the last bit of a*b+c, and the compiled twins must equal the pure ones bit for bit.
COMPILE_ARGS = ["-O3", "-ffp-contract=off"]
DEBUG_ARGS = ["-O1", "-g", "-ffp-contract=off"]
# A negative index is caught because wraparound stays off. Overflow checks are left out: generators wrap on purpose.
DEBUG_DIRECTIVES = {"boundscheck": "True", "initializedcheck": "True", "cdivision": "False", "nonecheck": "True"}


def is_set(name: str) -> bool:
    """True when the environment variable asks for something (anything but empty, 0, false or no)."""
    return os.environ.get(name, "").strip().lower() not in ("", "0", "false", "no")


def kernels() -> list[Any]:
    """The compiled kernels as extension modules; empty when compiling was not asked for or Cython is missing."""
    sources = sorted((ROOT / PACKAGE / "kernels").glob("_*.pyx"))
    if not sources or is_set("HBX_PURE_PYTHON"):
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        print("hbx: Cython is not installed, the kernels stay pure Python", file=sys.stderr)
        return []
    debug = is_set("HBX_DEBUG")
    extensions = [
        Extension(
            f"{PACKAGE}.kernels.{source.stem}",
            [(with_checks(source) if debug else source).relative_to(ROOT).as_posix()],
            extra_compile_args=DEBUG_ARGS if debug else COMPILE_ARGS,
        )
        for source in sources
    ]
    annotate = is_set("HBX_ANNOTATE")
    compiled: list[Any] = cythonize(extensions, include_path=[PACKAGE + "/kernels"], annotate=annotate, force=annotate)
    for extension in compiled:  # cythonize makes new ones and forgets this
        extension.optional = True
    return compiled


def with_checks(source: Path) -> Path:
    """A copy of the kernel under ``build/`` whose header comment turns the run-time checks on.

    Cython lets the header comment of a .pyx win over every directive given from outside, hence the copy.
    """
    directives: dict[str, str] = {}
    body = []
    for line in source.read_text(encoding="utf-8").splitlines():
        header = re.match(r"#\s*cython:\s*(.*)", line)
        if header is None:
            body.append(line)
            continue
        for item in header.group(1).split(","):
            key, _equals, value = item.strip().partition("=")
            directives[key] = value
    directives |= DEBUG_DIRECTIVES
    lines = ["# cython: " + ", ".join(f"{key}={value}" for key, value in directives.items()), *body]
    copy = ROOT / "build" / "kernels-debug" / source.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return copy


class BuildWithBundle(build_py):
    """Copies the four Hummingbot folders into the package as data.

    An editable install skips this: there the checkout's own folders are used (see ``hummingbot_extensions.bundle``).
    """

    def run(self) -> None:
        """Build the package, then lay the bundle into it."""
        editable = getattr(self, "editable_mode", False)
        if not editable:  # pip builds in the tree: what an earlier build left there would go into this wheel
            shutil.rmtree(Path(self.build_lib) / PACKAGE, ignore_errors=True)
        super().run()
        if editable:
            return
        target = Path(self.build_lib) / PACKAGE / "_bundle"
        for source, relative in self.bundle_files():
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / relative)

    def bundle_files(self) -> list[tuple[Path, Path]]:
        """(source, path inside the bundle) of every file carried, without caches and hidden files."""
        found = []
        for folder in BUNDLE_FOLDERS:
            for source in sorted((ROOT / folder).rglob("*")):
                relative = source.relative_to(ROOT)
                hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
                if source.is_file() and not hidden and source.suffix not in (".pyc", ".so"):
                    found.append((source, relative))
        return found

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file written, the bundle's included, so that ``--record`` names all of them."""
        outputs: list[str] = super().get_outputs(include_bytecode)
        if not getattr(self, "editable_mode", False):
            target = Path(self.build_lib) / PACKAGE / "_bundle"
            outputs += [str(target / relative) for _source, relative in self.bundle_files()]
        return outputs


setup(
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    ext_modules=kernels(),
    cmdclass={"build_py": BuildWithBundle},
)
