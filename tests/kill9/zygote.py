"""A process that has imported everything a bot needs and makes one bot after the other out of itself by fork.

``python -m tests.kill9.zygote FD`` runs in a workspace made by ``hbx init``. For every request on the socket FD it
forks a bot: the real engine (``hummingbot.cli.engine``), its database, recorder and restored states, on a clock that
the requesting process leads. The request says where the bot kills itself; nothing of that is in the product.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from tests.support import lockstep


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    _preload()
    requests.sendall(b'{"ready": true}\n')
    while True:
        message, fds, _, _ = socket.recv_fds(requests, 65536, 1)
        if not message:
            return
        request = json.loads(message)
        pid = os.fork()
        if pid == 0:
            requests.close()
            _live(request, socket.socket(fileno=fds[0]))
        os.close(fds[0])
        requests.sendall(json.dumps({"pid": pid}).encode() + b"\n")
        _, status = os.waitpid(pid, 0)
        requests.sendall(json.dumps({"ended": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def _preload() -> None:
    """Import what the engine and the bundle import at their start; two seconds once instead of at every life."""
    lockstep.follow()
    for name in (
        "hummingbot.cli.engine",
        "hummingbot.strategy.strategy_v2_base",
        "hummingbot.connector.derivative.standx_perpetual.standx_perpetual_derivative",
        "hummingbot_extensions.execution.controllers_script",
        "hummingbot_extensions.execution.desk",
        "sqlalchemy.dialects.sqlite",
        "tests.kill9.kill_points",
    ):
        importlib.import_module(name)
    _remember_decryptions()
    gc.freeze()


def _remember_decryptions() -> None:
    """The key store is opened for real once; its key derivation costs a quarter of a second a field."""
    from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger

    decrypt, known = ETHKeyFileSecretManger.decrypt_secret_value, {}

    def decrypted(self: Any, attr: str, value: str) -> str:
        if value not in known:
            known[value] = decrypt(self, attr, value)
        return known[value]

    ETHKeyFileSecretManger.decrypt_secret_value = decrypted
    password = os.environ.get("HBOT_PASSWORD", "")
    from hummingbot.client.config.config_crypt import validate_password
    from hummingbot.client.config.security import Security

    assert validate_password(ETHKeyFileSecretManger(password)), "the workspace has another password"
    assert Security.login(ETHKeyFileSecretManger(password))


def _live(request: dict[str, Any], control: socket.socket) -> None:
    """Be a bot, from here to the end of the process."""
    from hummingbot.cli import engine

    from tests.kill9 import kill_points
    sink = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.environ.update(request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.register(signal.SIGUSR2, file=sys.__stderr__)  # for whoever wonders what a hung bot is doing
    loop = lockstep.FollowingLoop(control)
    made = asyncio.new_event_loop
    asyncio.new_event_loop = lambda: loop  # the engine asks for exactly one
    kill_points.install(request.get("kill"), Path(request["hits"]), loop)
    if request.get("plug"):
        module, name = request["plug"].split(":")
        getattr(importlib.import_module(module), name)(loop, **request["plug_arguments"])
    sys.argv = ["engine", "--name", request["name"], "--script-config", request["script"]]
    try:
        engine.main()
    finally:
        asyncio.new_event_loop = made


if __name__ == "__main__":
    main()
