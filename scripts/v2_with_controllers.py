"""Runs any controllers named in its config: the loader that ``hbot start --controller`` and the Dashboard expect."""

import os

from hummingbot_extensions.execution import controllers_script


class V2WithControllersConfig(controllers_script.ControllersScriptConfig):
    """Controller files to run and drawdown limits."""

    script_file_name: str = os.path.basename(__file__)


class V2WithControllers(controllers_script.ControllersScript):
    """Runs the controllers of its config."""
