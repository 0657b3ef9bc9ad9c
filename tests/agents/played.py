"""A command that plays the scripts of the scripted agent as plain text: `play.py SCRIPT.json`, prompt on stdin.

It runs inside the sandbox, beside a copy of `bot/agents/scripted/agent.py`, which does the steps.
"""

import json
import os
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(__file__))
import agent  # type: ignore[import-not-found]  # it lies beside this file, inside


class Plain(agent.Wire):  # type: ignore[misc]
    """Messages are paragraphs on stdout; everything else is log on stderr."""

    def update(self, session: str, update: str, **fields: Any) -> None:
        if update == "agent_message_chunk":
            self.line(fields["content"]["text"] + "\n")
        else:
            os.write(2, (json.dumps(fields) + "\n").encode())


def main(script: str) -> None:
    prompt = sys.stdin.read()
    with open(os.environ["ISSUEWRIGHT_PROMPT_FILE"], encoding="utf-8") as file:
        assert file.read() == prompt
    with open(script, encoding="utf-8") as file:
        steps = agent.choose(json.load(file)["turns"], prompt, 0)
    agent.Turn(Plain(), agent.Session("0" * 32, os.getcwd())).play(steps)


main(sys.argv[1])
