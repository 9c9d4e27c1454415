"""What a venue may do wrong, by name: the catalogue, what is armed now, and where each fault takes hold."""

from hummingbot_extensions.emulator.faults.board import FaultBoard
from hummingbot_extensions.emulator.faults.values import BadFault, HttpFault

__all__ = ["BadFault", "FaultBoard", "HttpFault"]
