"""The process: one error boundary around the commands, and exit codes."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime

from optbench.errors import (
    EXIT_BUG,
    EXIT_OK,
    EXIT_SIGINT,
    ConfigError,
    Interrupted,
    OptbenchError,
)
from optbench.output import guard_standard_streams
from optbench.systems import require_posix
from optbench.terminal import complain


def main() -> None:
    """Run the command line; every way out is an exit code of `optbench.errors`."""
    guard_standard_streams()
    code = _guarded()
    try:
        sys.stdout.flush()
    except OptbenchError as error:  # a full disk may show only now
        complain(str(error))
        code = error.exit_code
    sys.exit(code)


def _guarded() -> int:
    try:
        require_posix()
        from optbench.cli import app
        from optbench.execution.signals import Interruptions

        with Interruptions().caught():
            code = app(standalone_mode=True)
    except SystemExit as leaving:
        code = leaving.code
    except OptbenchError as error:
        complain(error.at_command_line)
        _annotate(error)
        return error.exit_code
    except Interrupted as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:
        return EXIT_SIGINT
    except Exception as error:  # noqa: BLE001  (whatever is left is a bug)
        if isinstance(error.__cause__, Interrupted):  # came in a `__set_name__`, up to Python 3.11
            return error.__cause__.exit_code
        return _report_bug(error)
    return code if isinstance(code, int) else EXIT_OK


def _report_bug(error: Exception) -> int:
    from optbench import __version__

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    text = f"optbench {__version__}, python {sys.version}\n{' '.join(sys.argv)}\n\n"
    text += "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"optbench-bug-{stamp}-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(text)
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    complain(f"optbench has a bug ({summary}). Please report it with the log {log.name}")
    return EXIT_BUG


def _annotate(error: OptbenchError) -> None:
    """Where GitHub Actions runs the command, show mistakes in files beside their lines too."""
    if isinstance(error, ConfigError) and os.environ.get("GITHUB_ACTIONS") == "true":
        from optbench.report.annotations import github_annotations

        sys.stderr.write(github_annotations(error.problems))


if __name__ == "__main__":
    main()
