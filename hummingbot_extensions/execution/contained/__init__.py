"""Hummingbot's position and order executors with the faults contained that were reproduced on them."""
