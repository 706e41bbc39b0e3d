"""What commands print: plain text, one line for an error, a hint for a wrong word."""

import ast
import logging
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from streamproc.cli import main
from streamproc.cli.progress import Progress
from streamproc.cli.terminal import cut
from streamproc.errors import plain
from streamproc.loading import publishing
from streamproc.transport.sqlite.client import SqliteClient
from streamproc.worker.logs import set_up_logging

CLI = Path(__file__).parent.parent.parent / "streamproc" / "cli"
EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"


@given(st.text())
def test_plain_text_prints_and_says_what_was_there(text: str) -> None:
    """No character that a terminal acts on; printable text stays as it is."""
    told = plain(text)
    assert told.isprintable()
    assert not text.isprintable() or told == text


def test_lines_may_be_kept() -> None:
    """A message of several lines stays one."""
    assert plain("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert plain("a\nb") == "a\\nb"


@given(st.text(st.characters(exclude_categories=["C", "Z"])), st.integers(1, 40))
def test_what_is_cut_fits_and_says_that_there_is_more(text: str, width: int) -> None:
    """Wide characters take two columns."""
    shown = cut(text, width)
    if shown != text:
        assert shown.endswith("…")
        assert text.startswith(shown[:-1])
    assert len(shown) <= width


def test_wide_characters_count_twice() -> None:
    """A line that is too long would wrap."""
    assert cut("全全全", 6) == "全全全"
    assert cut("全全全", 5) == "全全…"
    assert cut("全全全", 4) == "全…"
    assert cut("abcd", 3) == "ab…"


@pytest.mark.parametrize("module", sorted(CLI.glob("*.py")), ids=lambda p: p.stem)
def test_every_command_prints_through_one_function(module: Path) -> None:
    """Else one of them would forget to make its text safe."""
    if module.name == "terminal.py":
        return
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("echo", "secho"), module
        elif isinstance(node, ast.Name):
            assert node.id != "print", module


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        [f"--{EVIL}"],
        ["report", f"--{EVIL}"],
        ["report", "--store", EVIL],
        ["report", "--as-of", EVIL],
        ["rejected", "--limit", EVIL],
        ["rejected", "--data-dir", EVIL],
        ["load", "--polls", EVIL],
        ["once", "--polls", "p.csv", "--out", EVIL, "--hold", EVIL],
        ["settings", "--hold", EVIL],
        ["settings", "--topic-prefix", EVIL],
        ["settings", "--web-hosts", EVIL],
        ["settings", "--markdown", "--web-hosts", EVIL],
        ["worker", "--log-level", EVIL],
        ["simulate", "--stores", EVIL],
    ],
    ids=lambda arguments: " ".join(arguments).replace(EVIL, "X"),
)
def test_no_command_repeats_an_escape_sequence(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the command line, in whatever place."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, arguments)
    assert done.output.replace("\n", "").isprintable(), done.output
    assert not isinstance(done.exception, Exception)


def test_a_log_line_has_no_escape_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is told of a record, by whichever library."""
    kept = logging.getLogger().handlers[:]
    try:
        set_up_logging("info")
        logging.getLogger("streamproc").warning("store %s", EVIL)
    finally:
        logging.getLogger().handlers[:] = kept
    assert capsys.readouterr().err.strip().endswith(f"store {plain(EVIL)}")


def test_the_name_of_a_file_being_read_has_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It stands in the line of progress."""
    with Progress(f"reading {EVIL}", 10, "B"):
        pass
    assert capsys.readouterr().err.startswith(f"reading {plain(EVIL)}: 0 B")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("raport", "report"), ("Worker", "worker"), ("reject", "rejected")],
)
def test_a_misspelt_command_gets_the_nearest(word: str, meant: str) -> None:
    """Two letters that changed places need no manual."""
    done = CliRunner().invoke(main, [word])
    assert done.exit_code == 2
    assert f"did you mean {meant}?" in done.output


def test_a_word_that_is_near_no_command_gets_no_guess() -> None:
    """A wrong guess is worse than none."""
    done = CliRunner().invoke(main, ["xyzzy"])
    assert "no such command: 'xyzzy'" in done.output
    assert "mean" not in done.output


def test_a_misspelt_setting_gets_the_nearest() -> None:
    """As an option; as a variable it is a warning, see the settings."""
    done = CliRunner().invoke(main, ["settings", "--partition", "3"])
    assert done.exit_code == 2
    assert "--partitions" in done.output


def test_summaries_of_commands_are_whole() -> None:
    """An ellipsis in the help tells nothing."""
    told = CliRunner().invoke(main, ["--help"]).output
    assert "..." not in told.replace("[ARGS]...", "")
    for name in main.commands:
        assert f"\n  {name} " in told


def test_a_wrong_hold_says_what_is_expected() -> None:
    """Minutes and their bounds, or the word."""
    done = CliRunner(env={"STREAMPROC_HOLD": "abc"}).invoke(main, ["settings"])
    assert done.exit_code == 1
    assert (
        "STREAMPROC_HOLD is 'abc': expected 5 to 525600 (minutes), or none"
        in done.output
    )


@pytest.mark.parametrize(
    "command",
    [
        ["worker", "--no-web"],
        ["demo", "--stores", "2", "--no-web"],
        ["load", "--polls", "polls.csv"],
        ["simulate", "--seconds", "0"],
        ["report"],
        ["rejected"],
    ],
    ids=lambda command: str(command[0]),
)
@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_data_directory_that_is_a_file_is_one_line(
    command: list[str], below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which path, and what is wrong; no traceback, and exit code 1."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "polls.csv").write_text(
        "store_id,status,timestamp_utc\na,active,2023-01-25 11:00:00 UTC\n"
    )
    (tmp_path / "taken").write_text("a file")
    done = CliRunner().invoke(main, [*command, "--data-dir", f"taken{below}"])
    assert done.exit_code == 1
    (said,) = [line for line in done.output.splitlines() if "reading" not in line]
    assert "taken" in said
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.parametrize("command", ["report", "rejected", "future"])
def test_a_directory_without_a_log_is_left_as_it_is(
    command: str, tmp_path: Path
) -> None:
    """A typo is told from a worker that does not answer."""
    done = CliRunner().invoke(main, [command, "--data-dir", str(tmp_path / "typo")])
    assert done.exit_code == 1
    assert "there is no log" in done.output
    assert not (tmp_path / "typo").exists()


def write_polls(path: Path, count: int) -> None:
    """A file of one store's polls, one a second."""
    with path.open("w") as lines:
        lines.write("store_id,status,timestamp_utc\n")
        for row in range(count):
            clock = f"{row // 3600:02d}:{row // 60 % 60:02d}:{row % 60:02d}"
            lines.write(f"a,active,2023-01-25 {clock} UTC\n")


def test_ctrl_c_while_loading_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that loading again is safe; as shells have it, exit code 130."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(publishing, "MESSAGES_AT_ONCE", 1_000)
    publish, calls = SqliteClient.publish, []

    async def interrupted(*arguments: Any, **options: Any) -> None:
        await publish(*arguments, **options)
        calls.append(arguments)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(SqliteClient, "publish", interrupted)
    write_polls(Path("polls.csv"), 10_000)
    done = CliRunner().invoke(main, ["load", "--polls", "polls.csv"])
    assert done.exit_code == 130, done.output
    assert "stopped at publishing store-polls: " in done.output
    assert "000 of 10,000 messages" in done.output
    assert "loading again is safe" in done.output.splitlines()[-1]
    assert len(calls) < 10


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.0, 0.4, 0.8])
def test_once_that_is_stopped_leaves_nothing_and_says_so(
    how: signal.Signals, after_s: float, tmp_path: Path
) -> None:
    """At whatever moment after the files were read."""
    write_polls(tmp_path / "polls.csv", 80_000)
    command = [sys.executable, "-m", "streamproc", "once"]
    with subprocess.Popen(
        [*command, "--polls", "polls.csv", "--out", "out"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as once:
        assert once.stderr is not None
        first = once.stderr.readline()
        time.sleep(after_s)
        once.send_signal(how)
        told = first + once.stderr.read()
    assert "Traceback" not in told, told
    if once.returncode == 0:
        assert (tmp_path / "out" / "combined_report.csv").exists()
    elif once.returncode > 0:
        assert once.returncode == 130, told
        assert "running it again is safe" in told
        assert not list(tmp_path.glob("out/*"))
    else:  # when all was done
        assert (tmp_path / "out" / "combined_report.csv").exists()


def test_ctrl_c_while_a_file_is_read_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was published then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        Progress, "advance", lambda *_: signal.raise_signal(signal.SIGINT)
    )
    Path("polls.csv").write_text(
        "store_id,status,timestamp_utc\na,active,2023-01-25 11:00:00 UTC\n"
    )
    done = CliRunner().invoke(main, ["load", "--polls", "polls.csv"])
    assert done.exit_code == 130
    assert done.output.startswith("stopped at reading polls.csv: 0 of ")
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["once", "--hours", "may.csv", "--out", "out", "--hours=june.csv"], "--hours"),
        (["load", "--zones", "a.csv", "--zones", "a.csv"], "--zones"),
        (["report", "--store", "1", "--full", "--full", "--store", "2"], "--store"),
        (["worker", "--hold", "5", "--hold", "none"], "--hold"),
    ],
)
def test_an_option_given_twice_is_refused(arguments: list[str], name: str) -> None:
    """One of two files would be left out, and nobody told; a flag says it once more."""
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"Error: {name} is given twice." in done.stderr
