"""``hbx``: workspace, emulator, start, demo and doctor for market making through Hummingbot."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hummingbot_extensions import HUMMINGBOT_VERSION, __version__
from hummingbot_extensions.cli import demo, doctor, emulate, init, install, parameters, probe, start, stop, tape, trades
from hummingbot_extensions.cli.output import ExitCode, Failure, report_failure

app = typer.Typer(
    help="Market making on StandX and Extended perpetuals through an unmodified Hummingbot.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.command("install")(install.install)
app.command("uninstall")(install.uninstall)
app.command("start", context_settings={"allow_extra_args": False})(start.start)
app.command("stop")(stop.stop)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("probe")(probe.probe)
app.command("trades")(trades.trades)
app.command("parameters")(parameters.parameters)
app.add_typer(emulate.app, name="emulate")
app.add_typer(tape.app, name="tape")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"hbx {__version__}, for hummingbot {HUMMINGBOT_VERSION}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Market making on StandX and Extended perpetuals through an unmodified Hummingbot."""


def main() -> None:
    """Entry point: a failure becomes one line with its fix and hbot's exit code."""
    try:
        app()
    except Failure as failure:
        report_failure(failure, "--json" in sys.argv)
        sys.exit(int(failure.code))
    except KeyboardInterrupt:
        print("hbx: interrupted", file=sys.stderr)
        sys.exit(int(ExitCode.ERROR))


if __name__ == "__main__":
    main()
