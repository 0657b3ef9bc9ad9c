"""Whether a call of the model's API may pass, and the body that is sent in its place."""

import json
from dataclasses import dataclass

from bot.sandbox.egress.anthropic import Anthropic
from bot.sandbox.egress.features import NAMED, Json
from bot.sandbox.egress.gemini import Gemini
from bot.sandbox.egress.listening import Request
from bot.sandbox.egress.openai_chat import OpenAIChat
from bot.sandbox.egress.openai_responses import OpenAIResponses
from bot.sandbox.egress.values import Route, WireName
from bot.sandbox.egress.wire import Operation, Wire, model_of
from bot.task.limits import OPERATOR_FILE
from bot.task.usage import Price, Tokens

WIRES: dict[WireName, Wire] = {
    "anthropic": Anthropic(),
    "openai-chat": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "gemini": Gemini(),
}
BYTES_PER_TOKEN = 3
"""Of a request; fewer than models need, so that the estimate is an upper one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call does not pass. `text` says why, and which setting would change it."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Passed:
    """The call as it goes to the vendor."""

    operation: Operation
    body: bytes
    streams: bool
    model: str
    price: Price | None
    most: Tokens
    """An upper estimate of what it uses."""
    hide_usage: bool
    """The agent did not ask for the event that tells the tokens."""


def judge(route: Route, request: Request, money_counts: bool) -> Passed | Refused:
    """`money_counts`: the turn has a limit in money, so a call without a price cannot pass.

    The body is written anew from what was read: a vendor cannot read another body than the one that was judged.
    """
    try:
        return _judge(route, request, money_counts)
    except (TypeError, ValueError, AttributeError, RecursionError):
        return Refused(400, "The body is not what this call takes.")


def _judge(route: Route, request: Request, money_counts: bool) -> Passed | Refused:
    wire = WIRES[route.wire]
    operation = wire.operation(request.path.removeprefix(f"/{wire.version}"), request.query)
    if operation is None or request.method != "POST" or not request.path.startswith(f"/{wire.version}/"):
        what = f"{request.method} {request.path[:100]}"
        return Refused(404, f"{what} is no call of this model ({_setting(route, 'wire')} is {route.wire}).")
    body = _read(request.body)
    if isinstance(body, Refused):
        return body
    model = model_of(body, operation)
    price = route.price_of(model)
    if refusal := _unknown_model(route, model) or _unpriced(route, model, price, money_counts and operation.paid):
        return refusal
    for wanted in wire.wanted(body, request.headers):
        if wanted.feature not in route.allow:
            what = NAMED.get(wanted.feature, "it is not known to be harmless")
            setting = f'add "{wanted.feature}" to {_setting(route, "allow")}'
            return Refused(400, f"Not allowed here: {wanted.what} ({what}). To allow it, {setting}.")
    asked = body.get("stream_options")
    output = wire.prepare(body, operation, route.max_output)
    if "stored" in route.allow and body.get("store") is False and b'"store"' not in request.body:
        del body["store"]
    most = Tokens(input=len(request.body) // BYTES_PER_TOKEN, output=output) if operation.paid else Tokens()
    hide = not (isinstance(asked, dict) and asked.get("include_usage") is True)
    data = json.dumps(body, allow_nan=False).encode()
    return Passed(operation, data, wire.streams(body, operation), model, price, most, hide)


def _read(data: bytes) -> Json | Refused:
    body = json.loads(data)
    return body if isinstance(body, dict) else Refused(400, "The body is no JSON object.")


def _unknown_model(route: Route, model: str) -> Refused | None:
    if not model or len(model) > 200:
        return Refused(400, "The request names no model.")
    if route.models and model not in route.models:
        offered = ", ".join(route.models)
        return Refused(400, f"The model {model} is not offered here; {offered} are ({_setting(route, 'models')}).")
    return None


def _unpriced(route: Route, model: str, price: Price | None, money_counts: bool) -> Refused | None:
    if price is not None or not money_counts:
        return None
    return Refused(400, f"There is a limit in money and no price for {model}: set {_setting(route, 'price')}.")


def _setting(route: Route, key: str) -> str:
    return f"`models.{route.name}.{key}` in the operator's {OPERATOR_FILE}"
