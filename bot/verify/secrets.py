"""Credentials in added lines. detect-secrets knows what they look like; only its patterns are used, never the network.

A finding names the kind and the line, never the value.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

from bot.task.evidence import ChangedFile, Finding, FindingKind
from bot.verify.changed import added, text_of
from bot.verify.locks import is_lock

_PLUGINS = (
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "cloudant.CloudantDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "ibm_cloud_iam.IbmCloudIamDetector",
    "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "private_key.PrivateKeyDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "softlayer.SoftlayerDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
)
"""Those whose pattern is narrow. Left out: Artifactory and Twilio (two letters and a word), public addresses, and hex
strings, which are mostly hashes."""
_OURS = {
    "GitHub Token": re.compile(r"\bgithub_pat_[A-Za-z0-9_]{60,90}"),
    "API key": re.compile(r"\bsk-(?:ant-|proj-|or-)[A-Za-z0-9_-]{24,200}"),
    "Google API key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
}
"""Newer than the library's last release."""
_PRIVATE_KEY, _BASIC_AUTH = "Private Key", "Basic Auth Credentials"
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/]{40}")
_PIECE, _OVERLAP = 1_000, 200
_MOST_LINES = 50_000
_MOST_FINDINGS = 50
_WORTH_A_LOOK = re.compile(r"[A-Za-z0-9+/=_-]{16}|://[^/\s:@]{0,80}:[^/\s@]{1,80}@|BEGIN [A-Z0-9 ]{0,20}PRIVATE|PuTTY")
_PLACEHOLDER = re.compile(
    r"example|placeholder|change.?me|dummy|redacted|your[-_ ]|x{6}|\*{3}|<\w|\$\{|\{\{|%\(|0{10}|1234567890?$"
    r"|^(?:user|username|password|pass|passwd|pwd|secret|token|test|foo|bar|postgres|root|admin|guest|me|\{.*\})$",
    re.IGNORECASE,
)
_NAMED_VALUE = re.compile(
    r"(?i)(?:passw(?:or)?d|secret|token|api_?key|access_?key|private_?key|credential)\w{0,30}[\"']?\s{0,4}[:=]{1,2}>?"
    r"\s{0,4}[\"']([^\"'\s]{12,200})[\"']"
)
_BASE64_LIMIT = 4.5
_NAMED_LIMIT = 3.5
"""Bits a character; words and paths stay below, random characters do not."""
_HASH = re.compile(r"sha\d{1,3}[-:=]|^[0-9a-fA-F]+$|[/_-]{2}", re.IGNORECASE)
_QUIET_FILES = re.compile(r".*\.(?:svg|ipynb|snap|map|min\.js|pem\.pub|pub|csv|po)", re.IGNORECASE)


def secret_findings(change: ChangedFile) -> Iterator[Finding]:
    """One finding per line."""
    found = 0
    lines = text_of(change.new).split("\n")
    for number, line in added(change):
        if found >= _MOST_FINDINGS or number > _MOST_LINES:
            return
        kinds = _kinds(change.path, line)
        if _PRIVATE_KEY in kinds and not _has_key(lines[number - 1 : number + 6]):
            kinds.discard(_PRIVATE_KEY)
        if kinds:
            found += 1
            named = ", ".join(sorted(kinds))
            detail = f"Line {number} looks as if it held a credential ({named}); its value is not shown."
            yield Finding(change.path, number, FindingKind.SECRET, detail)


def _has_key(lines: Sequence[str]) -> bool:
    """The words `PRIVATE KEY` are followed by what could be one."""
    return any(_KEY_MATERIAL.search(line[:5_000]) for line in lines)


def _kinds(path: str, line: str) -> set[str]:
    kinds: set[str] = set()
    for at in range(0, max(1, len(line)), _PIECE - _OVERLAP):
        piece = line[at : at + _PIECE]
        if _WORTH_A_LOOK.search(piece) or _NAMED_VALUE.search(piece):
            kinds |= _kinds_of_piece(path, piece)
    return kinds


def _kinds_of_piece(path: str, piece: str) -> set[str]:
    kinds = {kind for kind, values in _narrow() if any(_counts(kind, value) for value in values(piece))}
    kinds |= {
        kind for kind, pattern in _OURS.items() if any(not _PLACEHOLDER.search(v) for v in pattern.findall(piece))
    }
    if is_lock(path) or _QUIET_FILES.fullmatch(path):
        return kinds
    entropy, quoted = _random()
    if any(_is_value(value) and entropy(value) >= _NAMED_LIMIT for value in _NAMED_VALUE.findall(piece)):
        kinds.add("named like one, and random")
    elif any(_looks_random(value, entropy) for value in quoted(piece)):
        kinds.add("random characters")
    return kinds


def _counts(kind: str, value: str) -> bool:
    """A password within an address is often only an example's, so it must look like a real one."""
    return _is_value(value) if kind == _BASIC_AUTH else not _PLACEHOLDER.search(value)


def _is_value(value: str) -> bool:
    """Neither a placeholder nor a name, which has no digit in it or no small letter."""
    mixed = any(map(str.isdigit, value)) and any(map(str.islower, value))
    return mixed and not _PLACEHOLDER.search(value)


def _looks_random(value: str, entropy: Callable[[str], float]) -> bool:
    mixed = any(map(str.isdigit, value)) and any(map(str.isupper, value)) and any(map(str.islower, value))
    if not (24 <= len(value) <= 200 and mixed) or _HASH.search(value) or _PLACEHOLDER.search(value):
        return False
    steps = sum(ord(after) - ord(before) == 1 for before, after in pairwise(value))
    return steps * 4 < len(value) and entropy(value) > _BASE64_LIMIT


@cache
def _narrow() -> tuple[tuple[str, Callable[[str], Iterable[str]]], ...]:
    """Loaded on first use: the library brings an HTTP client that we never call."""
    from importlib import import_module

    found = []
    for name in _PLUGINS:
        module, _, kind = name.partition(".")
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), kind)()
        found.append((str(plugin.secret_type), plugin.analyze_string))
    return tuple(found)


@cache
def _random() -> tuple[Callable[[str], float], Callable[[str], Iterable[str]]]:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    plugin = Base64HighEntropyString(limit=_BASE64_LIMIT)
    return plugin.calculate_shannon_entropy, plugin.analyze_string
