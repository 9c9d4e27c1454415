"""Market making on StandX and Extended perpetuals through an unmodified Hummingbot."""

__version__ = "0.1.0"
HUMMINGBOT_VERSION = "20260922"
"""The one Hummingbot release this bundle is built and tested against."""
