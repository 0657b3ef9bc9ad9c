"""Tests in JavaScript and TypeScript, by tree-sitter's grammars: a parser that never fails and never runs anything."""

import hashlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from bot.verify.tested.assertions import named, raises
from bot.verify.tested.blocks import squeezed
from bot.verify.tested.model import Case, Check, Source

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

SUFFIXES = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})
MOST_BYTES = 256 << 10
_MOST_NODES = 400_000
_TESTS = frozenset({"it", "test", "specify", "fit", "xit", "xtest", "xspecify"})
_SUITES = frozenset({"describe", "suite", "context", "fdescribe", "xdescribe", "xcontext"})
_NEVER = frozenset({"skip", "todo", "failing", "fails"})
_SOMETIMES = frozenset({"skipIf", "runIf"})
_CHAIN = frozenset(
    {"to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of", "same", "but"}
    | {"does", "still", "also", "not", "resolves", "rejects", "deep"}
)
_DEFINED = frozenset(
    {"function_declaration", "generator_function_declaration", "class_declaration", "abstract_class_declaration"}
    | {
        "method_definition",
        "variable_declarator",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
    }
)
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "function"})


def read(suffix: str, text: str) -> Source | None:
    """The tests of a file; None for one that is too large."""
    data = text.encode(errors="replace")
    if len(data) > MOST_BYTES:
        return None
    tree = _parser(suffix).parse(data)
    return _Reader(data).source(tree.root_node)


@cache
def _parser(suffix: str) -> "Parser":
    """Loaded on first use: the grammars are a megabyte."""
    import tree_sitter_javascript
    import tree_sitter_typescript
    from tree_sitter import Language, Parser

    if suffix in (".ts", ".mts", ".cts"):
        return Parser(Language(tree_sitter_typescript.language_typescript()))
    if suffix == ".tsx":
        return Parser(Language(tree_sitter_typescript.language_tsx()))
    return Parser(Language(tree_sitter_javascript.language()))


class _Reader:
    """Walks the tree with a stack of its own: depth is the input's to choose."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._only: list[int] = []

    def source(self, root: "Node") -> Source:
        cases: list[Case] = []
        defined: set[str] = set()
        bodies: list[tuple[str, str]] = []
        stack: list[tuple[Node, str, str]] = [(root, "", "")]
        for _ in range(_MOST_NODES):
            if not stack:
                break
            node, prefix, idle = stack.pop()
            if node.type in _DEFINED and (name := node.child_by_field_name("name")) is not None:
                defined.add(self._text(name))
                if (body := node.child_by_field_name("body") or node.child_by_field_name("value")) is not None:
                    text = squeezed(self._text(body)[:20_000])
                    bodies.append((self._text(name), hashlib.sha256(text.encode(errors="replace")).hexdigest()))
            words = self._callee(node)
            if words and words[0] in _TESTS and (case := self._case(node, words, prefix, idle)) is not None:
                cases.append(case)
                continue
            if words and words[0] in _SUITES and (title := self._title(node)) is not None:
                prefix, idle = f"{prefix}{title} > ", idle or self._idle(words)
                self._focus(node, words)
            stack.extend((child, prefix, idle) for child in reversed(node.named_children))
        only, hashes = tuple(self._only[:50]), frozenset(body for _, body in bodies)
        return Source(tuple(cases), only, frozenset(defined), hashes, tuple(bodies))

    def _text(self, node: "Node") -> str:
        return self._data[node.start_byte : node.end_byte].decode(errors="replace")

    def _callee(self, node: "Node") -> list[str]:
        """`it.only.each(rows)` as words, outermost object first; empty for what is no call of a plain name."""
        words: list[str] = []
        if node.type != "call_expression":
            return words
        at = node.child_by_field_name("function")
        for _ in range(12):
            if at is None:
                return []
            if at.type == "identifier":
                return [self._text(at), *reversed(words)]
            if at.type == "member_expression":
                member = at.child_by_field_name("property")
                words.append(self._text(member) if member is not None else "")
                at = at.child_by_field_name("object")
            elif at.type == "call_expression":
                at = at.child_by_field_name("function")
            else:
                return []
        return []

    def _arguments(self, node: "Node") -> "list[Node]":
        arguments = node.child_by_field_name("arguments")
        return arguments.named_children if arguments is not None else []

    def _title(self, node: "Node") -> str | None:
        arguments = self._arguments(node)
        if not arguments or arguments[0].type not in ("string", "template_string", "identifier", "member_expression"):
            return None
        if not any(argument.type in _FUNCTIONS for argument in arguments[1:]) and len(arguments) > 1:
            return None
        return squeezed(self._text(arguments[0])[:300]).strip('"').replace(".", "·")

    def _idle(self, words: list[str]) -> str:
        if words[0].startswith("x") or _NEVER & set(words[1:]):
            return ".".join(words)
        return ""

    def _focus(self, node: "Node", words: list[str]) -> None:
        if words[0] in ("fit", "fdescribe") or "only" in words[1:]:
            self._only.append(node.start_point[0] + 1)

    def _case(self, node: "Node", words: list[str], prefix: str, idle: str) -> Case | None:
        title = self._title(node)
        if title is None:
            return None
        self._focus(node, words)
        function = next((child for child in self._arguments(node)[1:] if child.type in _FUNCTIONS), None)
        own = self._idle(words) or ("test without a body" if function is None else "")
        inner = self._inner(function) if function is not None else _Inner()
        rows = self._rows(node) if "each" in words else ()
        literals = frozenset({*inner.literals, *(value for row in rows for value in row.strip("[]").split(","))})
        return Case(
            name=prefix + title,
            line=node.start_point[0] + 1,
            checks=tuple(inner.checks),
            idle=own or idle or inner.idle,
            sometimes=not own and (bool(_SOMETIMES & set(words)) or bool(inner.idle)),
            rows=rows,
            names=frozenset(inner.names),
            literals=literals,
            hollow=function is not None and not inner.checks and not inner.calls,
        )

    def _rows(self, node: "Node") -> tuple[str, ...]:
        """The table of `it.each([...])(...)`."""
        table = node.child_by_field_name("function")
        arguments = self._arguments(table) if table is not None and table.type == "call_expression" else []
        if not arguments or arguments[0].type != "array":
            return ()
        return tuple(squeezed(self._text(row)) for row in arguments[0].named_children if row.type != "comment")

    def _inner(self, function: "Node") -> "_Inner":
        found = _Inner()
        stack = [function]
        for _ in range(_MOST_NODES):
            if not stack:
                break
            node = stack.pop()
            if node.type == "return_statement" and self._ends(node, function):
                break  # what stands below is never reached
            if node.type in ("identifier", "property_identifier"):
                found.names.add(self._text(node))
            elif node.type in ("number", "string", "true", "false", "null"):
                found.literals.add(squeezed(self._text(node)[:200]))
            elif node.type == "call_expression":
                self._call(node, found)
            elif node.type == "member_expression" and (check := self._property(node)) is not None:
                found.checks.append(check)
            stack.extend(reversed(node.named_children))
        found.checks.sort(key=lambda check: check.line)
        return found

    def _ends(self, node: "Node", function: "Node") -> bool:
        block = node.parent
        return not node.named_children and block is not None and block.parent == function

    def _call(self, node: "Node", found: "_Inner") -> None:
        words = self._callee(node)
        if words[:1] != ["console"]:
            found.calls += 1
        if words and words[-1] == "skip" and words[0] in ("this", "t", "ctx", "test", "it"):
            found.idle = ".".join(words)
        parent = node.parent
        if parent is not None and parent.type == "member_expression":
            return  # an inner link of a chain; its end tells all
        check = self._check(node, words)
        if check is not None:
            empty = check.empty or ("its failure is caught and dropped" if self._swallowed(node) else "")
            found.checks.append(replace(check, line=node.start_point[0] + 1, empty=empty))

    def _check(self, node: "Node", words: list[str]) -> Check | None:
        values = [squeezed(self._text(argument)) for argument in self._arguments(node)]
        if words[:1] == ["expect"] and len(words) > 1:
            return self._expected(node, words, values)
        if words[:1] in (["assert"], ["t"]) and (len(words) > 1 or words == ["assert"]):
            return named(".".join(words[1:]) or "assert", values, 0)
        if len(words) > 1 and words[0] != "expect" and words[-1].startswith("assert"):
            return named(words[-1], values, 0)
        if len(words) == 1 and words[0].startswith("assert"):
            return named(words[0], values, 0)
        return None

    def _expected(self, node: "Node", words: list[str], values: list[str]) -> Check:
        """`expect(x).not.toBe(3)`, `expect(x).to.equal(3)`."""
        matchers = [word for word in words[1:] if word not in _CHAIN]
        matcher = matchers[-1] if matchers else "be"
        subject = self._subject(node)
        if matcher.lower() in ("tothrow", "tothrowerror", "throw", "throws"):
            return replace(raises(values[0] if values else "", "".join(values[1:2]), 0), subject=subject)
        check = named(matcher, [subject, *values] if values else [subject], 0)
        return replace(check, relation=f"not {check.relation}", strictness=3, empty="") if "not" in words else check

    def _property(self, node: "Node") -> Check | None:
        """`expect(x).to.be.ok`: an assertion that is no call."""
        if node.parent is None or node.parent.type != "expression_statement":
            return None
        subject, member = self._subject(node), node.child_by_field_name("property")
        if not subject or member is None or self._data[node.start_byte : node.start_byte + 6] != b"expect":
            return None
        word, line = self._text(member), node.start_point[0] + 1
        if word in ("true", "false", "null", "undefined", "NaN"):
            return replace(named("equal", [subject, word], line), line=line)
        return named(word, [subject], line)

    def _subject(self, node: "Node") -> str:
        """What stands in the brackets of `expect(...)` at the beginning of the chain."""
        at: Node | None = node
        for _ in range(12):
            if at is None:
                break
            if at.type == "call_expression":
                inner = at.child_by_field_name("function")
                if inner is not None and inner.type == "identifier":
                    return ",".join(squeezed(self._text(argument)) for argument in self._arguments(at))
                at = inner
            else:
                at = at.child_by_field_name("object")
        return ""

    def _swallowed(self, node: "Node") -> bool:
        """Stands in a `try` whose `catch` is empty."""
        inside: Node | None = node
        for _ in range(40):
            if inside is None or inside.type in _FUNCTIONS:
                return False
            above = inside.parent
            if above is not None and above.type == "try_statement" and above.child_by_field_name("body") == inside:
                handler = above.child_by_field_name("handler")
                body = handler.child_by_field_name("body") if handler is not None else None
                if body is not None and not [child for child in body.named_children if child.type != "comment"]:
                    return True
            inside = above
        return False


class _Inner:
    """What the function of a test holds."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.names: set[str] = set()
        self.literals: set[str] = set()
        self.calls = 0
        self.idle = ""
