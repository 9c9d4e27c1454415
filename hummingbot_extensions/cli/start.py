"""``hbx start``: check what a bot would read, then start it through Hummingbot's own command line."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hummingbot_extensions.cli import preflight
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.cli.workspace import checked_controller, checked_script, config_file, found_workspace


def start(
    file: Annotated[str | None, typer.Argument(help="A file of conf/controllers or conf/scripts.")] = None,
    script: Annotated[
        str | None, typer.Option("--script", help="A script, with --conf: the old `start --script` form.")
    ] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="The script's settings, a file of conf/scripts.")] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Default: the current folder or one above it.")
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay attached, as a container's main process.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a bot from a controller file, or from a script and its settings."""
    root = found_workspace(workspace)
    if file is not None and (script is not None or conf is not None):
        raise Failure(
            "a controller file and --script/--conf were both given", "give one of them", ExitCode.CONFIG_ERROR
        )
    if file is not None:
        words, controllers = _words_for(root, file)
    elif conf is not None:
        path = config_file(root, "scripts", conf)
        content = checked_script(root, path)
        named = Path(str(content["script_file_name"])).stem
        if script is not None and Path(script).stem != named:
            raise Failure(
                f"--conf {path.name} belongs to script {named}, not {Path(script).stem}",
                "name settings of that script",
                ExitCode.CONFIG_ERROR,
            )
        words, controllers = ["start", "--v2-script", path.name], _controllers_of(content)
    elif script is not None:
        raise Failure(
            f"--script {script} needs its settings", "add --conf and a file of conf/scripts", ExitCode.CONFIG_ERROR
        )
    else:
        raise Failure(
            "nothing to start was named", "give a controller file, or --script and --conf", ExitCode.CONFIG_ERROR
        )
    password = _password()
    answer = preflight.check(root, controllers, password)
    if answer.failure is not None:
        raise answer.failure
    for cause in answer.unanswered:
        print(f"hbx: not checked, the bot will go on trying: {cause}", file=sys.stderr)
    os.environ["HBOT_PASSWORD"] = password
    words += ["--foreground"] if foreground else []
    words += ["--json"] if as_json else []
    command = [sys.executable, "-m", "hummingbot.cli.main", *words]
    if foreground:
        os.chdir(root)
        os.execv(sys.executable, command)
    done = subprocess.run(command, cwd=root, check=False)
    raise typer.Exit(done.returncode)


def _password() -> str:
    """The key store's password: from the environment, else asked for on a terminal."""
    given = os.environ.get("HBOT_PASSWORD") or os.environ.get("CONFIG_PASSWORD")
    if not given and sys.stdin.isatty():
        given = getpass.getpass("Keystore password: ")
    if not given:
        raise Failure("the key store's password is not given", "set HBOT_PASSWORD", ExitCode.CONFIG_ERROR)
    return given


def _controllers_of(script: dict[str, Any]) -> list[str]:
    return [Path(str(name)).name for name in script.get("controllers_config") or []]


def _words_for(root: Path, file: str) -> tuple[list[str], list[str]]:
    """hbot's words for ``file``, and the controller files it brings.

    A controller goes first: starting it leaves a loader of its name in conf/scripts.
    """
    controllers, scripts = root / "conf" / "controllers", root / "conf" / "scripts"
    names = {Path(file).name, f"{Path(file).name}.yml"}
    if not any((controllers / name).is_file() for name in names) and any((scripts / name).is_file() for name in names):
        path = config_file(root, "scripts", file)
        return ["start", "--v2-script", path.name], _controllers_of(checked_script(root, path))
    path = config_file(root, "controllers", file)
    checked_controller(path)
    return ["start", "--controller", path.name], [path.name]
