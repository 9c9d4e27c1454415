"""What must hold of the venue after any commands: money, positions, limits, locks, replay, save and restore."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from venue_commands import SPECS, USERS, Command, Setup, carry_out, fills, markets, new_venue, params, told

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.account import Account
from hummingbot_extensions.sim.margin import MONEY_STEP
from hummingbot_extensions.sim.venue import Venue
from hummingbot_extensions.sim.venue_values import (
    OrderKind,
    OrderSource,
    OrderStatus,
    ReduceOnlyRule,
    SelfMatch,
    VenueEvent,
)

USER = st.sampled_from(USERS)
SYMBOL = st.sampled_from(list(SPECS))
DELAY_MS = st.sampled_from([0, 0, 20, 130])
LOTS = st.one_of(st.integers(1, 14_000), st.sampled_from([1_000, 4_000, 9_000, 12_000]))
SEEN: Counter[str] = Counter()
"""What the generated runs reached, over all of them."""


class VenueMachine(RuleBasedStateMachine):
    """One venue that runs through, and a twin that is saved and restored in between; both get every command."""

    @initialize(
        seed=st.integers(0, 10_000), self_match=st.sampled_from(SelfMatch), reduce_only=st.sampled_from(ReduceOnlyRule)
    )
    def start(self, seed: int, self_match: SelfMatch, reduce_only: ReduceOnlyRule) -> None:
        self.setup = Setup(seed, self_match, reduce_only)
        self.venue, self.twin = new_venue(self.setup), new_venue(self.setup)
        self.commands: list[Command] = []
        self.digests: list[str] = []

    def give(self, *command: object) -> None:
        events = carry_out(self.venue, command)
        self.commands.append(command)
        self.digests.append(told(events))
        assert told(carry_out(self.twin, command)) == self.digests[-1]
        self.check_events(events)

    @rule(
        user=USER, symbol=SYMBOL, side=st.sampled_from(Side), lots=LOTS,
        bps=st.one_of(st.none(), st.integers(-60, 120)), tif=st.sampled_from(["gtc", "gtc", "ioc", "alo"]),
        reduce_only=st.sampled_from([False, False, True]), tp_bps=st.sampled_from([0, 0, 5, 60]),
        sl_bps=st.sampled_from([0, 0, 5, 60]), delay_ms=DELAY_MS,
    )  # fmt: skip
    def order(
        self, user: str, symbol: str, side: Side, lots: int, bps: int | None, tif: str, reduce_only: bool,
        tp_bps: int, sl_bps: int, delay_ms: int,
    ) -> None:  # fmt: skip
        self.give("order", user, symbol, str(side), lots, bps, tif, reduce_only, tp_bps, sl_bps, delay_ms)

    @rule(user=USER, number=st.integers(0, 9), delay_ms=DELAY_MS)
    def cancel(self, user: str, number: int, delay_ms: int) -> None:
        self.give("cancel", user, number, delay_ms)

    @rule(user=USER, symbol=SYMBOL, leverage=st.integers(0, 41))
    def leverage(self, user: str, symbol: str, leverage: int) -> None:
        self.give("leverage", user, symbol, leverage)

    @rule(user=USER, symbol=SYMBOL, mode=st.sampled_from(["cross", "isolated"]))
    def mode(self, user: str, symbol: str, mode: str) -> None:
        self.give("mode", user, symbol, mode)

    @rule(user=USER, symbol=SYMBOL, amount=st.sampled_from(["-50", "-0.000000001", "25.5", "400", "1e9"]))
    def transfer(self, user: str, symbol: str, amount: str) -> None:
        self.give("transfer", user, symbol, amount)

    @rule(symbol=SYMBOL, is_halted=st.sampled_from([True, False, False]))
    def halt(self, symbol: str, is_halted: bool) -> None:
        self.give("halt", symbol, is_halted)

    @rule(symbol=SYMBOL, decimals=st.sampled_from([1, 2, 2]))
    def tick(self, symbol: str, decimals: int) -> None:
        self.give("tick", symbol, decimals)

    @rule(wait_ms=st.integers(0, 1_500))
    def wait(self, wait_ms: int) -> None:
        self.give("wait", wait_ms)

    @rule()
    def wait_long(self) -> None:
        self.give("wait", 6_000)

    @rule(
        user=USER, symbol=SYMBOL, side=st.sampled_from(Side), far_bps=st.sampled_from([5, 40, 3_000]),
        mode=st.sampled_from(["cross", "isolated"]),
    )  # fmt: skip
    def enter(self, user: str, symbol: str, side: Side, far_bps: int, mode: str) -> None:
        """A large position at market, with both triggers, and time for what comes of it."""
        self.give("mode", user, symbol, mode)
        self.give("order", user, symbol, str(side), 9_000, None, "ioc", False, far_bps, far_bps, 0)
        self.give("wait", 2_000)

    @rule()
    def restart_twin(self) -> None:
        """Save the twin to JSON text and go on from it: nothing changes."""
        self.give("wait", 0)
        text = json.dumps(self.twin.to_plain())
        self.twin = Venue.from_plain(json.loads(text), markets(self.setup), params(self.setup))
        assert json.dumps(self.twin.to_plain()) == text
        SEEN["restored"] += 1

    def check_events(self, events: list[VenueEvent]) -> None:
        """No fill is worse than its order's limit, and fills of one order never exceed it."""
        for update in fills(events):
            trade = update.trade
            order = self.venue.accounts[trade.user].orders[trade.order_id]
            limit = Decimal(order.price_ticks).scaleb(-2)
            if order.kind is OrderKind.LIMIT:
                assert (limit - trade.price) * order.side.sign >= 0
            SEEN[str(order.source)] += 1
            SEEN["isolated"] += order.source is OrderSource.LIQUIDATION and self.venue.accounts[trade.user].is_isolated(
                trade.symbol
            )
        SEEN["vault"] += any(position.lots for position in self.venue.house.vault.positions.values())

    @invariant()
    def everything_adds_up(self) -> None:
        """Money and lots are conserved to the last digit, positions are their fills, locks fit what rests."""
        if not hasattr(self, "venue"):
            return
        self.venue.invariants()
        for account in self.venue.accounts.values():
            self.check_locks(account)
            for order in account.live.values():
                assert order.left_lots > 0
                assert self.venue.order_view(account.user, order).avail_locked >= 0
                if order.source is OrderSource.LIQUIDATION:
                    raise AssertionError("a liquidation order rests")
            assert all(row.size_lots > 0 for row in account.log.rows)
            for symbol in SPECS:
                live = [order for order in account.live.values() if order.symbol == symbol]
                assert len(live) <= SPECS[symbol][0].max_open_orders + 2

    def check_locks(self, account: Account) -> None:
        """Orders lock at least 1.05 taker fees on what is left of them, at most that and the margin of all of it."""
        least = most = Decimal(0)
        working = [order for order in account.live.values() if order.status is not OrderStatus.UNTRIGGERED]
        for order in working:
            spec = SPECS[order.symbol][0]
            value = Decimal(order.price_ticks * order.left_lots).scaleb(-spec.price_decimals - spec.size_decimals)
            fee = value * spec.taker_fee * Decimal("1.05")
            least += fee
            most += fee + value / account.leverage[order.symbol] + 2 * MONEY_STEP
        locked = account.locked(self.venue.specs)
        assert least <= locked <= most
        assert (locked == 0) == (not working)
        assert locked == sum(self.venue.order_view(account.user, order).avail_locked for order in working)

    def teardown(self) -> None:
        """The same commands to a fresh venue tell the same, byte for byte."""
        if not hasattr(self, "venue"):
            return
        fresh = new_venue(self.setup)
        assert [told(carry_out(fresh, command)) for command in self.commands] == self.digests
        assert json.dumps(fresh.to_plain()) == json.dumps(self.venue.to_plain())


def test_venue_machine() -> None:
    """Any commands: the venue's books add up, replay is exact, and a restart in between changes nothing."""
    is_proof = settings().max_examples > 1_000
    bounds = settings(max_examples=1_500 if is_proof else 40, stateful_step_count=60 if is_proof else 40, deadline=None)
    run_state_machine_as_test(VenueMachine, settings=bounds)
    print(dict(SEEN))
    assert SEEN["restored"] and all(SEEN[str(source)] for source in OrderSource), SEEN
