"""Quoting on any Hummingbot perpetual connector: what ours offers beyond Hummingbot's interface, made of what it has.

``fitting.fit`` gives a connector those members; docs/any-connector.md says how good they are and what is refused.
"""
