"""All REST endpoints of the forge as Starlette routes."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.forge.refusal import not_found
from bot.demo.forge.rest import apps, checks, comments, graphql, issues, pulls, repos, reviews
from bot.demo.forge.rest.call import Answer, Call
from bot.demo.forge.rest.gate import Gate
from bot.demo.forge.rest.table import Handler, RouteRow, Table

_TABLES: tuple[Table, ...] = (
    apps.table,
    repos.table,
    comments.table,
    issues.table,
    reviews.table,
    pulls.table,
    checks.table,
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def rest_routes(gate: Gate) -> list[Route]:
    """Every endpoint, most specific first, then GitHub's 404."""
    rows = [row for table in _TABLES for row in table.rows]
    routes = [gate.route(row) for row in rows]
    routes.append(gate.route(RouteRow("GET", "/rate_limit", None, _rate_limit_of(gate))))
    graph = gate.route(graphql.table.rows[0])
    routes.append(Route("/api/graphql", graph.endpoint, methods=["POST"]))
    routes.append(Route("/api/{rest:path}", _unknown, methods=_METHODS))
    return routes


def _rate_limit_of(gate: Gate) -> Handler:
    def rate_limit(call: Call) -> Answer:
        """What is left of the hour."""
        headers = gate.allowance.spend(call.caller.key, call.world.now(), 0)
        core = {name: int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "used", "remaining", "reset")}
        return Answer({"resources": {"core": core, "search": core, "graphql": core}, "rate": core})

    return rate_limit


async def _unknown(_request: Request) -> Response:
    return JSONResponse(not_found().body(), 404)
