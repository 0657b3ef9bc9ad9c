"""What a Python assertion says: the comparison in it, how strict it is, and whether it can fail at all."""

import ast
from collections.abc import Iterator

from bot.verify.tested.assertions import named, raises
from bot.verify.tested.model import EXACT, Check

_OPERATORS: dict[type[ast.cmpop], tuple[str, int]] = {
    ast.Eq: ("==", EXACT),
    ast.Is: ("==", EXACT),
    ast.NotEq: ("!=", 3),
    ast.IsNot: ("!=", 2),
    ast.In: ("in", 5),
    ast.NotIn: ("not in", 4),
    ast.Lt: ("<", 4),
    ast.LtE: ("<=", 4),
    ast.Gt: (">", 4),
    ast.GtE: (">=", 4),
}
_HELPERS = ("assert", "check_", "verify_", "expect_", "ensure_", "validate_")
_MOST_PARTS = 50


def condition(test: ast.expr) -> Iterator[Check]:
    """The checks of one `assert`; parts joined by `and` are checks of their own."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) and len(test.values) <= _MOST_PARTS:
        for value in test.values:
            yield from condition(value)
    else:
        yield _one(test)


def said(call: ast.Call) -> Check | None:
    """A call that asserts: of unittest, of a mock, of a helper that is called so."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if not isinstance(name, str) or not (name.startswith(_HELPERS) or name == "fail"):
        return None
    if name in ("assertRaises", "assertRaisesRegex", "assertWarns", "assertRaisesRegexp"):
        return None
    if name in ("assertTrue", "assertFalse", "assert_", "failUnless") and call.args:
        test: ast.expr = call.args[0]
        if name == "assertFalse":
            test = ast.UnaryOp(ast.Not(), test)
        return _one(test)
    if name == "assertIsNone" and call.args:
        return _one(ast.Compare(call.args[0], [ast.Is()], [ast.Constant(None)]))
    if name == "assertIsNotNone" and call.args:
        return _one(ast.Compare(call.args[0], [ast.IsNot()], [ast.Constant(None)]))
    if name == "assertIn" and len(call.args) > 1:
        return _one(ast.Compare(call.args[0], [ast.In()], [call.args[1]]))
    method = isinstance(call.func, ast.Attribute) and not _of_the_case(call.func)
    arguments = [ast.unparse(argument) for argument in call.args[: 2 if "qual" in name else None]]
    words = [ast.unparse(word.value) for word in call.keywords if word.arg in ("places", "delta", "rel", "abs")]
    if method and isinstance(call.func, ast.Attribute) and name.startswith("assert_called"):
        arguments.insert(0, ast.unparse(call.func.value))
    return named(name, [*arguments, *words], call.lineno)


def raised(call: ast.Call) -> Check | None:
    """`pytest.raises(...)`, `assertRaises(...)`, `pytest.warns(...)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in ("raises", "warns", "assertRaises", "assertRaisesRegex", "assertWarns", "RaisesGroup"):
        return None
    match = [ast.unparse(word.value) for word in call.keywords if word.arg == "match"]
    if name == "assertRaisesRegex":
        match = [ast.unparse(argument) for argument in call.args[1:2]]
    return raises(ast.unparse(call.args[0]) if call.args else "", "".join(match), call.lineno)


def is_false(test: ast.expr) -> bool:
    """A condition that never holds."""
    return (isinstance(test, ast.Constant) and not test.value) or (
        isinstance(test, ast.Name | ast.Attribute) and ast.unparse(test).endswith("TYPE_CHECKING")
    )


def _of_the_case(function: ast.Attribute) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id in ("self", "cls", "case", "tc")


def _one(test: ast.expr) -> Check:
    line = getattr(test, "lineno", 0)
    empty = _empty(test)
    match test:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            relation, rank = _OPERATORS[type(operator)]
            if isinstance(left, ast.Constant) and not isinstance(right, ast.Constant) and rank in (EXACT, 3):
                left, right = right, left
            if relation == "==" and (tolerance := _tolerance(right)):
                return Check("approx", ast.unparse(left), tolerance, 8, line, empty)
            return Check(relation, ast.unparse(left), ast.unparse(right), rank, line, empty)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Check("not", ast.unparse(operand), "", 3, line, empty)
        case ast.BoolOp():
            return Check("or", ast.unparse(test.values[0]), ast.unparse(test), 1, line, empty)
        case ast.Call(func=ast.Attribute(value=subject, attr="startswith" | "endswith" as end), args=[part]):
            return Check(end, ast.unparse(subject), ast.unparse(part), 5, line, empty)
        case ast.Call(func=ast.Name(id="isinstance"), args=[subject, kind]):
            return Check("isinstance", ast.unparse(subject), ast.unparse(kind), 3, line, empty)
        case _:
            return Check("true", ast.unparse(test), "", 2, line, empty)


def _tolerance(node: ast.expr) -> str:
    """`approx(1.0, rel=0.1)` as text; empty for anything else."""
    name = ""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return ast.unparse(node).removeprefix("pytest.") if name in ("approx", "ANY") else ""


def _empty(test: ast.expr) -> str:
    """Why a condition always holds; empty when it need not."""
    match test:
        case ast.Constant(value=value):
            return "it asserts a constant" if value else ""
        case ast.Tuple(elts=elements) if elements:
            return "it asserts a tuple, which is always true"
        case ast.Lambda() | ast.Dict(keys=[_, *_]) | ast.List(elts=[_, *_]):
            return "it asserts something that is always true"
        case ast.BoolOp(op=ast.Or(), values=values) if any(_empty(value) for value in values):
            return "a part of it is always true"
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)):
            return "" if value else "it asserts a constant"
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _empty_comparison(left, operator, right)
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.Name(id="object")]):
            return "everything is an object"
        case _:
            return ""


def _empty_comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> str:
    exact = isinstance(operator, ast.Eq | ast.Is | ast.LtE | ast.GtE)
    if exact and ast.dump(left) == ast.dump(right):
        return "both sides are the same"
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return "both sides are constants"
    length = isinstance(left, ast.Call) and getattr(left.func, "id", "") == "len"
    if length and isinstance(operator, ast.GtE) and isinstance(right, ast.Constant) and right.value == 0:
        return "a length is never negative"
    return ""
