"""Which files decide what a set-up makes: manifests, lock files, and what the command itself names. Pure."""

import hashlib
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

MANIFESTS = (
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", ".yarnrc.yml", ".npmrc"),
    *("pnpm-lock.yaml", "pnpm-workspace.yaml", "bun.lock", "bun.lockb", "deno.json", "deno.lock"),
    *("pyproject.toml", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "setup.py", "setup.cfg"),
    *("*requirements*.txt", "*requirements*.in", "*constraints*.txt", "environment.yml", "pylock*.toml"),
    *("go.mod", "go.sum", "Cargo.toml", "Cargo.lock", "Gemfile", "Gemfile.lock", "*.gemspec"),
    *("composer.json", "composer.lock", "mix.exs", "mix.lock", "pom.xml", "*.gradle", "*.gradle.kts"),
    *("gradle.lockfile", "gradle.properties", "gradle-wrapper.properties", "libs.versions.toml"),
    *("*.csproj", "packages.lock.json", "Directory.Packages.props", "flake.nix", "flake.lock"),
    *(".tool-versions", ".python-version", ".nvmrc", ".node-version", ".ruby-version", "rust-toolchain*"),
    *(".gitmodules", "mise.toml", ".mise.toml"),
)
"""Patterns of base names, wherever they lie."""
_BUILDERS = {"make": ("Makefile", "makefile", "GNUmakefile"), "just": ("justfile", "Justfile", ".justfile")}
_WORD = re.compile(r"[^\s;&|<>()'\"`=]+")


def telling(command: str, blobs: Mapping[str, str]) -> dict[str, str]:
    """Those of a tree's files (path to object name) that decide what this command makes."""
    words = [word.removeprefix("./") for word in _WORD.findall(command)]
    named = {*words, *(name for word in words for name in _BUILDERS.get(word, ()))}
    return {path: blob for path, blob in blobs.items() if path in named or _is_manifest(path)}


def fingerprint(*parts: object) -> str:
    """A name for what these say together."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Paths that are not the same in both."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def _is_manifest(path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for pattern in MANIFESTS)
