"""The only way out of a sandbox: a socket in a folder of the box, a relay inside, and a proxy of ours behind it.

There is no network inside. For a turn that may call a model:

    async with turn.opened(route, limits, clock) as egress:      # bot.sandbox.egress.turn
        box = egress.furnish(box)     # a bind, and words before every command (`Box.before`); argv stays as it is
        …start the agent in `box`; its base URL is http://127.0.0.1:8080 (values.MODEL_URL), its key any placeholder…
        await egress.until_over()     # once a limit is reached; every call from then on gets 400
    egress.spent                      # values.Spent: calls, tokens, money, which limit, rate limit, last fault

`route` (values.Route) is what the operator said about the model, `limits` (values.TurnLimits) what the turn may use.
The caller kills a turn that does not end within `values.GRACE_SECONDS` after `over`. `egress.spent` may be read at any
time. For the set-up, `registries.opened(…)` yields a `furnish` of the same kind.

What is let through, and what agents have to be told:

- Paths of the one wire of the route: `/v1/messages` and `/v1/messages/count_tokens`; `/v1/chat/completions`;
  `/v1/responses`; `/v1beta/models/MODEL:generateContent`, `:streamGenerateContent`, `:countTokens`. `GET /v1/models` is
  answered here. Anything else is 404.
- Functions that the agent runs itself. Whatever makes the vendor act (web search, fetch, code execution, MCP servers,
  files, URLs, stored responses) is 400 with the setting that would allow it: switch such things off in the agent.
- Ports inside are constants, because every box has a loopback of its own. Where nothing contains the process there is
  none, and `furnish` refuses.
"""
