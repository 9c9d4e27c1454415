"""Runs perpetual market making controllers; refuses to start without one, and without one market each."""

import os

from pydantic import model_validator

from hummingbot_extensions.execution import controllers_script


class V2PerpMarketMakingConfig(controllers_script.ControllersScriptConfig):
    """Controller files to run and drawdown limits."""

    script_file_name: str = os.path.basename(__file__)

    @model_validator(mode="after")
    def require_controllers(self) -> "V2PerpMarketMakingConfig":
        if not self.controllers_config:
            raise ValueError("controllers_config: name at least one file of conf/controllers")
        return self


class V2PerpMarketMaking(controllers_script.ControllersScript):
    """Runs the market makers of its config."""
