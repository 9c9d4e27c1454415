"""Outcomes, owner tag, token bucket, owned tasks, bulk poll and backoff: what both connectors share."""

from __future__ import annotations

import asyncio
import random
import time
from decimal import Decimal

import pytest

from hummingbot_extensions import compat
from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.bulk_poll import TrackedOrder, suspects
from hummingbot_extensions.connector.errors import Misconfigured
from hummingbot_extensions.connector.outcomes import OutcomeBook
from hummingbot_extensions.connector.owned_tasks import Debounced, OwnedTasks
from hummingbot_extensions.connector.owner_tag import owner_tag
from hummingbot_extensions.connector.token_bucket import TokenBucket, shared_bucket
from hummingbot_extensions.core.types import OrderOutcome
from tests.support import warp

PENDING, ACCEPTED, REJECTED, UNKNOWN = OrderOutcome


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], PENDING),
        (["unknown"], UNKNOWN),
        (["unknown", "accepted"], ACCEPTED),
        (["unknown", "rejected"], REJECTED),
        (["accepted", "unknown"], ACCEPTED),
        (["accepted", "rejected"], REJECTED),
        (["seen", "rejected"], ACCEPTED),
        (["rejected", "accepted"], REJECTED),
        (["rejected", "seen"], ACCEPTED),
        (["accepted", "seen", "rejected"], ACCEPTED),
        (["rejected", "unknown"], REJECTED),
    ],
)
def test_outcome_transitions(steps: list[str], expected: OrderOutcome) -> None:
    """A word from the venue settles an order; nothing makes a settled one unknown; what the account has shown outranks
    a refusal, what a success frame says does not.
    """
    book = OutcomeBook()
    book.record("a")
    for step in steps:
        getattr(book, f"mark_{step}")(*("a", "why")[: 1 if step in ("accepted", "seen") else 2])
    assert book.outcome("a") is expected
    assert book.has_unknown is (expected is UNKNOWN)
    assert book.record("a").known.is_set() is (expected in (ACCEPTED, REJECTED))


def test_ids_without_a_record_are_unknown_and_only_settled_ones_are_forgotten() -> None:
    """An id that we never heard of may rest at the venue; an unsettled record survives any flood."""
    book = OutcomeBook(max_records=10)
    assert book.outcome("never") is UNKNOWN
    book.mark_unknown("kept", "timeout")
    for number in range(100):
        book.record(str(number)).is_terminal = True
    assert book.outcome("kept") is UNKNOWN
    assert book.get("0") is None and book.get("99") is not None


def test_owner_tag_is_stable_and_overridable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same workspace, same tag; another workspace, another; the environment may name it; bad names are refused."""
    monkeypatch.delenv("HBX_OWNER_TAG", raising=False)
    assert owner_tag("/a") == owner_tag("/a") != owner_tag("/b")
    monkeypatch.setenv("HBX_OWNER_TAG", "desk1")
    assert owner_tag("/a") == owner_tag("/b") == "hxdesk1-"
    for bad in ("x", "has space", "waytoolongname"):
        with pytest.raises(Misconfigured, match="HBX_OWNER_TAG"):
            owner_tag("/a", bad)


async def _bucket_order() -> list[str]:
    now = 0.0
    bucket = TokenBucket(100, 10_000, clock=lambda: asyncio.get_running_loop().time() + now)
    served: list[str] = []

    async def want(name: str, cost: float, is_urgent: bool) -> None:
        await bucket.acquire(cost, is_urgent)
        served.append(name)

    await bucket.acquire(100)
    tasks = [asyncio.create_task(want(f"place{i}", 90, False)) for i in range(2)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(want(f"cancel{i}", 90, True)) for i in range(2)]
    await asyncio.gather(*tasks)
    return served


def test_cancels_overtake_waiting_placements() -> None:
    """Urgent waiters are served first, each lane in order."""
    assert asyncio.run(_bucket_order()) == ["cancel0", "cancel1", "place0", "place1"]


def test_bucket_spends_no_more_than_it_has() -> None:
    """Over any span the credits taken stay within capacity plus refill; impossible costs are refused."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        bucket = TokenBucket(200, 2000, clock=loop.time)
        start = loop.time()
        for _ in range(20):
            await bucket.acquire(45)
        assert 200 + 2000 * (loop.time() - start) + 1 >= 20 * 45
        with pytest.raises(ValueError, match="exceeds"):
            await bucket.acquire(201)

    asyncio.run(run())


def test_a_cancelled_waiter_does_not_block_the_lane() -> None:
    """Whoever gives up waiting takes no credits and holds nobody up."""

    async def run() -> None:
        bucket = TokenBucket(100, 5000)
        await bucket.acquire(100)
        quitter = asyncio.create_task(bucket.acquire(50))
        await asyncio.sleep(0)
        quitter.cancel()
        await asyncio.wait_for(bucket.acquire(50), 1.0)

    asyncio.run(run())


def test_debounced_runs_once_per_burst_and_once_more_for_late_requests() -> None:
    """Requests share a run; one that comes during the run causes exactly one more; stop ends everything."""

    async def run() -> None:
        tasks, runs, gate = OwnedTasks("t"), [], asyncio.Event()

        async def refresh() -> None:
            runs.append(len(runs))
            await gate.wait()

        debounced = Debounced(refresh, 0.0, tasks, "r")
        for _ in range(5):
            debounced.request()
        while not runs:  # noqa: ASYNC110  the condition is the point
            await asyncio.sleep(0)
        debounced.request()
        debounced.request()
        gate.set()
        while tasks.count:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert runs == [0, 1]
        tasks.spawn(asyncio.sleep(60), "long")
        await tasks.stop()
        assert tasks.count == 0

    asyncio.run(run())


def test_suspects() -> None:
    """Unlisted, differently filled and cancel-pending orders are asked for; a quiet listed one is not."""
    zero = Decimal(0)
    tracked = [TrackedOrder(name, zero, name == "cancelling") for name in ("quiet", "gone", "filled", "cancelling")]
    assert suspects(tracked, {"quiet": zero, "filled": Decimal(1), "cancelling": zero}) == [
        "gone",
        "filled",
        "cancelling",
    ]


def test_backoff_grows_spreads_and_resets() -> None:
    """Waits stay within half and all of a doubling base, up to the maximum; success starts over."""
    backoff = Backoff(1.0, 4.0, random.Random(1))
    for base in (1, 2, 4, 4):
        assert base / 2 <= backoff.next_s() <= base
    backoff.reset()
    assert backoff.next_s() <= 1.0


def test_a_vanished_upstream_name_is_reported_clearly() -> None:
    """The message names what is missing and the version that was tested."""
    with pytest.raises(compat.UpstreamChanged, match=r"object has no '_gone' any more.*20260922"):
        compat.require(object(), "_gone")


def test_a_bucket_never_spins_on_a_rounding_error() -> None:
    """Credits that are short by a rounding error are waited for by a wait that ends, not by none, for ever."""

    async def run() -> None:
        bucket = TokenBucket(900, 1000)
        for number in range(400):
            await bucket.acquire(45)
            if number % 7 == 0:
                await asyncio.sleep(0.0137)

    warp.run(run())


def test_a_penalty_holds_everything_back_and_lets_cancels_out_first() -> None:
    """After a refusal by the venue nothing leaves for the stated time; then urgent requests go first."""

    async def run() -> list[tuple[str, float]]:
        bucket = TokenBucket(900, 1000)
        began_s, left = time.monotonic(), []

        async def want(name: str, is_urgent: bool) -> None:
            await bucket.acquire(45, is_urgent)
            left.append((name, time.monotonic() - began_s))

        bucket.penalise(2.0)
        await asyncio.gather(want("place", False), want("cancel", True))
        return left

    left = warp.run(run())
    assert [name for name, _ in left] == ["cancel", "place"]
    assert 2.04 < left[0][1] < 2.06 and 2.08 < left[1][1] < 2.11


def test_one_account_has_one_bucket_in_a_process() -> None:
    """Two holders of an account share its credits; the last one takes the bucket with it."""
    first = shared_bucket("test", "a", lambda: TokenBucket(1, 1))
    assert shared_bucket("test", "a", lambda: TokenBucket(1, 1)) is first
    assert shared_bucket("test", "b", lambda: TokenBucket(1, 1)) is not first
