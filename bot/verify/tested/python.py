"""Tests written in Python, by its own parser; never executed, never imported."""

import ast
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.verify.tested.model import Case, Check, Source
from bot.verify.tested.python_checks import condition, is_false, raised, said

MOST_BYTES = 256 << 10
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SKIPS = {"skip": False, "skipif": True, "skipIf": True, "skipUnless": True, "xfail": False, "expectedFailure": False}
"""Decorators that keep a test from counting, and whether they do so under a condition."""
_IDLE_CALLS = ("skip", "skipTest", "xfail", "SkipTest", "importorskip")
_HARMLESS = frozenset(
    {"print", "len", "str", "repr", "int", "list", "dict", "set", "range", "object", "isinstance", "sleep"}
)
_HELPERS = ("check", "verify", "expect", "validate", "ensure", "should", "compare", "run_")
_SWALLOWED = frozenset({"AssertionError", "Exception", "BaseException"})


def read(text: str) -> Source | None:
    """The tests of a file; None when this Python cannot parse it."""
    if len(text) > MOST_BYTES:
        return None
    tree = parsed(text)
    if tree is None:
        return None
    try:
        return _source(tree)
    except RecursionError:
        return None


def parsed(text: str) -> ast.Module | None:
    """The syntax tree; None for what is not Python as this version knows it, or nested without end."""
    if len(text) > MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _source(tree: ast.Module) -> Source:
    module = _marks_of_module(tree)
    cases = tuple(_cases(tree.body, "", module))
    bodies = tuple(_bodies(tree))
    defined = frozenset(_defined(tree))
    return Source(cases, (), defined, frozenset(body for _, body in bodies), bodies)


def _marks_of_module(tree: ast.Module) -> tuple[str, bool]:
    """`pytestmark`, a skip at the top, `__test__ = False`: they idle every test of the file."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                marks = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
                if idle := _idle_by(marks):
                    return idle
            case ast.Assign(targets=[ast.Name(id="__test__")], value=ast.Constant(value=False)):
                return "__test__ = False", False
            case ast.Expr(value=ast.Call(func=function)) if _last(function) in ("skip", "importorskip"):
                return f"{ast.unparse(function)}(...)", _last(function) == "importorskip"
            case ast.Raise(exc=ast.Call(func=function)) if _last(function) == "SkipTest":
                return "raise SkipTest", False
            case _:
                pass
    return "", False


def _cases(body: Sequence[ast.stmt], prefix: str, outer: tuple[str, bool]) -> Iterator[Case]:
    for node in body:
        if isinstance(node, _FUNCTIONS) and node.name.startswith("test"):
            yield _case(node, prefix, outer)
        elif isinstance(node, ast.ClassDef) and _is_test_class(node):
            marks = _idle_by(node.decorator_list) or _marks_of_class(node) or outer
            yield from _cases(node.body, f"{prefix}{node.name}.", marks)
        elif isinstance(node, ast.If | ast.Try):
            yield from _cases([] if isinstance(node, ast.If) and is_false(node.test) else node.body, prefix, outer)


def _is_test_class(node: ast.ClassDef) -> bool:
    return node.name.startswith("Test") or bool(node.bases)


def _marks_of_class(node: ast.ClassDef) -> tuple[str, bool] | None:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__test__")], value=ast.Constant(value=False)):
                return "__test__ = False", False
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                return _idle_by(value.elts if isinstance(value, ast.List | ast.Tuple) else [value])
            case _:
                pass
    return None


def _case(node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str, outer: tuple[str, bool]) -> Case:
    walk = _Walk()
    walk.block(node.body)
    idle, sometimes = _idle_by(node.decorator_list) or walk.idle or outer
    rows, marked = _rows(node.decorator_list)
    names, literals = _words([*node.body, *node.decorator_list])
    return Case(
        name=prefix + node.name,
        line=node.lineno,
        checks=tuple(walk.checks),
        idle=idle or marked,
        sometimes=sometimes or (not idle and bool(marked)),
        rows=rows,
        names=names,
        literals=literals,
        hollow=not walk.checks and not walk.calls,
    )


def _idle_by(marks: Sequence[ast.expr]) -> tuple[str, bool] | None:
    for mark in marks:
        target = mark.func if isinstance(mark, ast.Call) else mark
        name = _last(target)
        if name in _SKIPS:
            conditional = isinstance(mark, ast.Call) and name == "xfail" and bool(mark.args)
            return ast.unparse(target), _SKIPS[name] or conditional
    return None


def _rows(decorators: Sequence[ast.expr]) -> tuple[tuple[str, ...], str]:
    """The rows of `parametrize`, and a mark on one of them that keeps it from counting."""
    rows: list[str] = []
    marked = ""
    for decorator in decorators:
        if not (isinstance(decorator, ast.Call) and _last(decorator.func) in ("parametrize", "expand", "data", "ddt")):
            continue
        values = next((word.value for word in decorator.keywords if word.arg == "argvalues"), None)
        values = values or (decorator.args[-1] if decorator.args else None)
        if isinstance(values, ast.List | ast.Tuple | ast.Set):
            rows += [_row(element) for element in values.elts]
            marks = [node for element in values.elts for node in _marks_of_row(element)]
            marked = marked or (_idle_by(marks) or ("", False))[0]
    return tuple(rows), marked


def _row(element: ast.expr) -> str:
    """A row without its name and marks."""
    if isinstance(element, ast.Call) and _last(element.func) == "param":
        return ", ".join(ast.unparse(argument) for argument in element.args)
    text = ast.unparse(element)
    return text[1:-1] if isinstance(element, ast.Tuple) else text


def _marks_of_row(element: ast.expr) -> list[ast.expr]:
    marks = [word.value for word in element.keywords if word.arg == "marks"] if isinstance(element, ast.Call) else []
    return [one for mark in marks for one in (mark.elts if isinstance(mark, ast.List | ast.Tuple) else [mark])]


@dataclass(slots=True)
class _Walk:
    """Goes through the statements of a test that are reached, in order."""

    checks: list[Check]
    calls: int = 0
    idle: tuple[str, bool] | None = None

    def __init__(self) -> None:
        self.checks, self.calls, self.idle = [], 0, None

    def block(self, body: Sequence[ast.stmt], conditional: bool = False) -> None:
        for node in body:
            self.statement(node, conditional)
            if isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break) or (self.idle and not self.idle[1]):
                return

    def statement(self, node: ast.stmt, conditional: bool) -> None:
        match node:
            case ast.Assert(test=test):
                self.checks += [replace(check, line=node.lineno) for check in condition(test)]
                self.calls += 1
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                self._with([item.context_expr for item in items], body, conditional)
            case ast.If(test=test, body=body, orelse=orelse):
                self.block([] if is_false(test) else body, conditional=True)
                self.block(orelse, conditional=True)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                self._try(body, handlers, conditional)
                self.block([*orelse, *final], conditional)
            case (
                ast.For(body=body, orelse=orelse)
                | ast.AsyncFor(body=body, orelse=orelse)
                | ast.While(body=body, orelse=orelse)
            ):
                dead = isinstance(node, ast.While) and is_false(node.test)
                self.block([] if dead else [*body, *orelse], conditional)
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                self.block(body, conditional)
            case ast.Raise(exc=ast.Call(func=function)) if _last(function) == "SkipTest":
                self.idle = self.idle or ("raise SkipTest", conditional)
            case ast.Raise():
                self.calls += 1
            case _:
                self._expressions(node, conditional)

    def _with(self, contexts: Sequence[ast.expr], body: Sequence[ast.stmt], conditional: bool) -> None:
        inner = _Walk()
        inner.block(body, conditional)
        swallows = False
        for context in contexts:
            if isinstance(context, ast.Call):
                swallows |= _last(context.func) == "suppress" and bool({_last(a) for a in context.args} & _SWALLOWED)
                if check := raised(context):
                    self.checks.append(replace(check, line=context.lineno))
                self.calls += 1
        self._take(inner, "its failure is suppressed" if swallows else "")

    def _try(self, body: Sequence[ast.stmt], handlers: Sequence[ast.ExceptHandler], conditional: bool) -> None:
        inner = _Walk()
        inner.block(body, conditional)
        swallows = any(_swallows(handler) for handler in handlers)
        self._take(inner, "its failure is caught and dropped" if swallows else "")
        for handler in handlers:
            self.block(handler.body, conditional=True)

    def _take(self, inner: "_Walk", empty: str) -> None:
        self.checks += [replace(check, empty=check.empty or empty) for check in inner.checks]
        self.calls += inner.calls
        self.idle = self.idle or inner.idle

    def _expressions(self, statement: ast.stmt, conditional: bool) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                name = _last(node.func)
                if name in _IDLE_CALLS and name != "importorskip":
                    self.idle = self.idle or (f"{ast.unparse(node.func)}(...)", conditional)
                elif check := said(node) or raised(node):
                    self.checks.append(replace(check, line=node.lineno))
                self.calls += name not in _HARMLESS


def _swallows(handler: ast.ExceptHandler) -> bool:
    """A handler that takes a failed assertion and goes on as if nothing had been."""
    if handler.type is None:
        kinds = {"BaseException"}
    else:
        kinds = {_last(one) for one in (handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type])}
    acts = any(
        isinstance(node, ast.Raise | ast.Assert | ast.Return)
        or (isinstance(node, ast.Call) and _last(node.func).startswith(("fail", "assert", "exit")))
        for statement in handler.body
        for node in ast.walk(statement)
    )
    return bool(kinds & _SWALLOWED) and not acts


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _words(nodes: Sequence[ast.AST]) -> tuple[frozenset[str], frozenset[str]]:
    names: set[str] = set()
    literals: set[str] = set()
    for top in nodes:
        if isinstance(top, ast.Expr) and isinstance(top.value, ast.Constant):
            continue  # a docstring
        for node in ast.walk(top):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    names.add(name)
                case ast.alias(name=name):
                    names |= set(name.split("."))
                case ast.ImportFrom(module=str(module)):
                    names |= set(module.split("."))
                case ast.Constant(value=value):
                    literals.add(repr(value)[:200])
                case _:
                    pass
    return frozenset(names), frozenset(literals)


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name, body=body):
                yield name
                yield from (member.name for member in body if isinstance(member, _FUNCTIONS))
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case _:
                pass


def _bodies(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name and hash of every function and class, and of their members: a renamed one keeps its hash."""
    tops = [node for node in tree.body if isinstance(node, (*_FUNCTIONS, ast.ClassDef))]
    members = [
        node for top in tops if isinstance(top, ast.ClassDef) for node in top.body if isinstance(node, _FUNCTIONS)
    ]
    for node in (*tops, *members):
        text = "\n".join(ast.unparse(statement) for statement in node.body)
        yield node.name, hashlib.sha256(text.encode(errors="replace")).hexdigest()
