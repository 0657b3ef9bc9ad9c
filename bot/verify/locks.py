"""Manifests and their lock files: one changed without the other."""

import re
from collections.abc import Collection, Iterator, Sequence

from bot.task.evidence import ChangedFile, Finding, FindingKind
from bot.verify.changed import json_table, member, text_of, toml_table
from bot.verify.plain import one_line

LOCKS = {
    "package-lock.json": ("package.json",),
    "npm-shrinkwrap.json": ("package.json",),
    "yarn.lock": ("package.json",),
    "pnpm-lock.yaml": ("package.json", "pnpm-workspace.yaml"),
    "bun.lock": ("package.json",),
    "bun.lockb": ("package.json",),
    "deno.lock": ("deno.json", "deno.jsonc", "package.json"),
    "uv.lock": ("pyproject.toml",),
    "poetry.lock": ("pyproject.toml",),
    "pdm.lock": ("pyproject.toml",),
    "pylock.toml": ("pyproject.toml",),
    "Pipfile.lock": ("Pipfile",),
    "Cargo.lock": ("Cargo.toml",),
    "go.sum": ("go.mod",),
    "Gemfile.lock": ("Gemfile", "*.gemspec"),
    "composer.lock": ("composer.json",),
    "mix.lock": ("mix.exs",),
    "pubspec.lock": ("pubspec.yaml",),
    "flake.lock": ("flake.nix",),
    "packages.lock.json": ("*.csproj", "Directory.Packages.props"),
    "gradle.lockfile": ("build.gradle", "build.gradle.kts", "libs.versions.toml"),
}
_GO_REQUIRE = re.compile(r"^(?:require\s+)?\s*[\w./~-]+\s+v\d\S*", re.MULTILINE)


def is_lock(path: str) -> bool:
    return path.rpartition("/")[2] in LOCKS


def lock_findings(changes: Sequence[ChangedFile], paths: Collection[str]) -> Iterator[Finding]:
    """`paths` are all files of the head; without them only lock files alone are told."""
    changed = {change.path for change in changes}
    for change in changes:
        folder, _, name = change.path.rpartition("/")
        if name in LOCKS and change.old is not None and not _near(changed, folder, LOCKS[name]):
            manifests = " or ".join(f"`{manifest}`" for manifest in LOCKS[name])
            detail = f"`{one_line(change.path)}` is changed, but no {manifests} beside or below it."
            yield Finding(change.path, 0, FindingKind.LOCK_ALONE, detail)
        lock = _its_lock(folder, name, paths)
        if lock and lock not in changed and change.new is not None and _needs_differ(change):
            detail = f"Dependencies of `{one_line(change.path)}` are changed, but not `{one_line(lock)}`."
            yield Finding(change.path, 0, FindingKind.MANIFEST_ALONE, detail)


def _near(changed: Collection[str], folder: str, manifests: Sequence[str]) -> bool:
    """In the same folder or below it: one lock file may stand for a whole workspace."""
    inside = f"{folder}/" if folder else ""
    names = (path.rpartition("/")[2] for path in changed if path.startswith(inside))
    return any(_is_manifest(name, manifests) for name in names)


def _its_lock(folder: str, name: str, paths: Collection[str]) -> str:
    """The lock file in the manifest's folder or the nearest one above."""
    locks = [lock for lock, manifests in LOCKS.items() if _is_manifest(name, manifests)]
    while locks:
        for lock in locks:
            path = f"{folder}/{lock}" if folder else lock
            if path in paths:
                return path
        if not folder:
            break
        folder = folder.rpartition("/")[0]
    return ""


def _is_manifest(name: str, manifests: Sequence[str]) -> bool:
    return any(name == one or (one[0] == "*" and name.endswith(one[1:])) for one in manifests)


def _needs_differ(change: ChangedFile) -> bool:
    name = change.path.rpartition("/")[2]
    return _needs(name, change.old) != _needs(name, change.new)


def _needs(name: str, data: bytes | None) -> object:
    """What of a manifest a lock file follows from; the whole text where no better is known."""
    match name:
        case "package.json" | "composer.json":
            table = json_table(data)
            return [
                table.get(key)
                for key in ("dependencies", "devDependencies", "optionalDependencies", "overrides", "require")
            ]
        case "pyproject.toml":
            table = toml_table(data)
            return [
                member(table, *keys)
                for keys in (
                    ("project", "dependencies"),
                    ("project", "optional-dependencies"),
                    ("dependency-groups",),
                    ("tool", "poetry", "dependencies"),
                    ("tool", "poetry", "group"),
                    ("tool", "uv"),
                )
            ]
        case "Cargo.toml":
            table = toml_table(data)
            return [table.get(key) for key in ("dependencies", "dev-dependencies", "build-dependencies", "workspace")]
        case "go.mod":
            return sorted(_GO_REQUIRE.findall(text_of(data)))
        case _:
            return text_of(data)
