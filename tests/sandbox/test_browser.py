"""A browser inside the box shows a page of a server inside the box."""

import shutil

import pytest

from bot.sandbox.box import Box, Limits
from bot.sandbox.process import Sandbox

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOW = """
printf '<body><script>document.body.textContent = "rendered " + 6 * 7</script>' > index.html
python3 -m http.server 3000 --bind 127.0.0.1 >/dev/null 2>&1 &
until python3 -c 'import socket; socket.create_connection(("127.0.0.1", 3000))' 2>/dev/null; do sleep 0.1; done
exec "$0" --headless --no-sandbox --disable-gpu --user-data-dir=/tmp/browser --dump-dom http://127.0.0.1:3000/
"""


@pytest.mark.anyio
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
async def test_a_browser_renders_a_page_of_a_server_in_the_same_box(sandbox: Sandbox, box: Box) -> None:
    finished = await sandbox.run(box, ["sh", "-c", SHOW, CHROMIUM or ""], Limits(seconds=120))
    assert "rendered 42" in finished.output.decode(errors="replace"), (finished.ending, finished.output[-3000:])
    assert finished.exit_code == 0
