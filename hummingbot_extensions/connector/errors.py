"""Errors that say what the caller should do. Texts never contain a secret, a token or a signed payload."""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of the errors below."""


class Rejected(ConnectorError):
    """The venue refused on its own word: the order or request had no effect. ``code`` is the venue's, ``text`` its
    message.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} (code {code})")
        self.code = code
        self.text = text


class PostOnlyRejected(Rejected):
    """A post-only order would have taken liquidity. Normal for a maker at the touch; not a fault."""


class NotFound(Rejected):
    """The venue does not know the order (not yet, or not any more)."""


class RuleBroken(ConnectorError):
    """An order was not sent because it breaks a trading rule of the market; ``rule`` names it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


class Withdrawn(ConnectorError):
    """An order was cancelled before it was sent, so it never was."""


class Unknown(ConnectorError):
    """What was sent may or may not have taken effect: ask the venue before acting on it."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"outcome unknown: {cause}")
        self.cause = cause


class Transient(ConnectorError):
    """Nothing was changed; the same request may be tried again, after ``retry_after_s`` when it is known."""

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Throttled(Transient):
    """The venue says too many requests: nothing was changed, and nothing should follow for a while."""


class Misconfigured(ConnectorError):
    """A setting is wrong: ``field`` names it, ``fix`` says what to do. Shown to the user as one line."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{field}: {problem}. {fix}")
        self.field = field
        self.fix = fix
