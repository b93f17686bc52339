"""The build backend (PEP 517): maturin, and the native `orochi` beside the extension it builds.

maturin makes a wheel of an extension or of a program. The wheel holds both: the program is built first and laid into
`[tool.maturin] data`, from where maturin takes it as a script. The source package is made here too, since maturin's
holds only what the extension is made of.

`pip wheel --config-settings=profile=dev` builds both with Cargo's profile of that name.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import maturin

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, object] | None

ROOT = Path(__file__).resolve().parents[1]
# As pyproject.toml names it to maturin.
DATA = ROOT / "target" / "wheel-data"
# Names under which the program is installed besides `orochi`, and what they put before their arguments. They start it
# by a line of shell, which takes a millisecond; copies would double the wheel.
OTHER_NAMES = {"scitex-orochi": "", "orochi-server": "serve ", "orochi-mcp": "mcp "}
LAUNCHER = """#!/bin/sh
# Starts the orochi beside this file, also through a link to it.
self=$(readlink -f "$0") || self=$0
exec "${{self%/*}}/orochi" {arguments}"$@"
"""
# The contents of the source package. It has the whole workspace: without a member, Cargo.lock would not be up to date.
SOURCES = (
    ".cargo",
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
    "Makefile",
    "README.md",
    "bench/load",
    "dashboard",
    "orochi",
    "packaging",
    "pyproject.toml",
    "python",
    "rust",
    "scitex_orochi",
)
LEFT_OUT = {".so", ".pyc"}
# The file that each shell reads a program's completions from, below the folder that packages install into.
COMPLETIONS = {
    "bash": "share/bash-completion/completions/orochi",
    "zsh": "share/zsh/site-functions/_orochi",
    "fish": "share/fish/vendor_completions.d/orochi.fish",
}


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Nothing but maturin; Rust must be there already."""
    if shutil.which("cargo") is None:
        sys.exit("cargo is not on the PATH: install Rust 1.95 or newer, https://rustup.rs")
    return []


get_requires_for_build_editable = get_requires_for_build_wheel


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Nothing but maturin."""
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings = None) -> str:
    """The name of the folder with the package's description."""
    # maturin looks for it also where it puts nothing into a wheel.
    DATA.mkdir(parents=True, exist_ok=True)
    name: str = maturin.prepare_metadata_for_build_wheel(metadata_directory)
    return name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """The wheel's file name."""
    name: str = maturin.build_wheel(wheel_directory, _with_program(config_settings), metadata_directory)
    return name


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """The file name of a wheel that refers to this checkout's Python sources."""
    name: str = maturin.build_editable(wheel_directory, _with_program(config_settings), metadata_directory)
    return name


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """The source package's file name. The same sources make the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder) / prepare_metadata_for_build_wheel(folder) / "METADATA"
        description = metadata.read_bytes()
    fields = dict(line.split(": ", 1) for line in description.decode().split("\n\n")[0].splitlines() if ": " in line)
    name = f"{fields['Name'].replace('-', '_')}-{fields['Version']}"
    target = Path(sdist_directory) / f"{name}.tar.gz"
    with gzip.GzipFile(target, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        _add(archive, f"{name}/PKG-INFO", description)
        for path in _sources():
            _add(archive, f"{name}/{path.relative_to(ROOT)}", path.read_bytes())
    return target.name


def _with_program(config_settings: Settings) -> dict[str, object]:
    """Builds the program into `DATA`; the settings for maturin."""
    settings = dict(config_settings or {})
    profile = str(settings.pop("profile", "release"))
    scripts = DATA / "scripts"
    shutil.rmtree(DATA, ignore_errors=True)
    scripts.mkdir(parents=True)
    # Fetches the extension's crates, whose licences the program carries too.
    _run(["cargo", "tree", "--locked", "--edges=normal", "--package", "orochi-python"])
    shutil.copy(_program(profile), scripts / "orochi")
    program, installed = str(scripts / "orochi"), DATA / "data"
    _write(installed / "share/doc/scitex-orochi/LICENCES", _run([program, "licences"]))
    _run([program, "manual", str(installed / "share/man/man1")])
    for shell, path in COMPLETIONS.items():
        _write(installed / path, _run([program, "completions", shell]))
    for name, arguments in OTHER_NAMES.items():
        launcher = scripts / name
        launcher.write_text(LAUNCHER.format(arguments=arguments))
        launcher.chmod(0o755)
    if profile != "release":
        settings["build-args"] = f"{settings.get('build-args', '')} --profile {profile}".strip()
    return settings


def _program(profile: str) -> Path:
    """Builds the program; its file."""
    command = ["cargo", "build", "--locked", "--profile", profile, "--package", "orochi-cli", "--bin", "orochi"]
    messages = _run([*command, "--message-format=json-render-diagnostics"])
    for line in reversed(messages.splitlines()):
        if executable := json.loads(line).get("executable"):
            return Path(executable)
    sys.exit(f"{' '.join(command)} named no program that it built")


def _run(command: list[str]) -> str:
    """Runs a command, which must succeed. Returns its output."""
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {ended.returncode}; its output is above")
    return ended.stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def _sources() -> Iterator[Path]:
    for name in SOURCES:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and path.suffix not in LEFT_OUT:
                yield path


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))
