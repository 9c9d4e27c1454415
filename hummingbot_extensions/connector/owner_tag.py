"""The prefix of our client order ids: what carries it is ours, what does not is never touched."""

from __future__ import annotations

import hashlib
import os
import re

from hummingbot_extensions.connector.errors import Misconfigured

OWNER_TAG_ENV = "HBX_OWNER_TAG"
_TAG = re.compile(r"[A-Za-z0-9]{2,8}")


def owner_tag(workspace: str, override: str | None = None) -> str:
    """Prefix of the client order ids of the bot in ``workspace``: the same after a restart, another elsewhere.

    Two bots that share an account and a workspace path (containers of one image) must be told apart by the environment
    variable HBX_OWNER_TAG, 2 to 8 letters and digits; anything else raises Misconfigured.

    >>> owner_tag("/home/hummingbot"), owner_tag("/home/hummingbot", "desk1")
    ('hx53e9-', 'hxdesk1-')
    """
    chosen = os.environ.get(OWNER_TAG_ENV, "") if override is None else override
    if not chosen:
        chosen = hashlib.sha256(workspace.encode()).hexdigest()[:4]
    elif not _TAG.fullmatch(chosen):
        raise Misconfigured(OWNER_TAG_ENV, "must be 2 to 8 letters and digits", "Set it to something like desk1.")
    return f"hx{chosen}-"
