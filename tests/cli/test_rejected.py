"""``streamproc rejected``: every door's refusals, and a second chance for them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streamproc import rejected
from streamproc.cli import main
from streamproc.rejected import GATEWAY, LOAD, TOPIC, Rejected
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect

GOOD = b'{"store_id":"a","timestamp_utc":"2023-01-25 11:00:00 UTC","status":"active"}'
WRONG = b'{"store_id":"a","timestamp_utc":"2023-01-25 11:00:00 UTC","status":"on"}'
ZONE = b'{"store_id":"b","timezone_str":"Europe/Berlin"}'


def refused(value: bytes | None, offset: int = 0, **changes: object) -> Rejected:
    """A record of the topic of polls that was refused."""
    fields = {
        "door": TOPIC,
        "reason": "unknown-status",
        "message": "status is wrong",
        "topic": "store-polls",
        "partition": 0,
        "offset": offset,
        "value": value,
    }
    return Rejected(**{**fields, **changes})  # type: ignore[arg-type]


async def keep(settings: Settings, records: tuple[Rejected, ...]) -> None:
    """Put records into the topic, as the agents do."""
    topics = topics_for(settings)
    client = await connect(settings)
    await client.create_topics(topics)
    keys, values, headers = zip(*map(rejected.encode, records), strict=True)
    await client.publish(topics.rejected, keys, values, dict(enumerate(headers)))
    await client.close()


async def sent(settings: Settings, name: str) -> list[tuple[bytes, bytes]]:
    """Keys and values of an input topic."""
    topic = getattr(topics_for(settings), name)
    client = await connect(settings)
    begins = await client.begin_offsets(topic)
    found = [
        (batch.keys[row] or b"", batch.values[row] or b"")
        for batch in await client.read(begins, 0.1)
        for row in range(len(batch))
    ]
    await client.close()
    return sorted(found)


class Log:
    """A log with refused records, and the command that looks at them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def fill(self, *records: Rejected) -> "Log":
        """Keep some."""
        asyncio.run(keep(self.settings, records))
        return self

    def run(self, *options: str, columns: int = 100) -> Result:
        """Run ``streamproc rejected``."""
        return CliRunner(env={"COLUMNS": str(columns)}).invoke(
            main, ["rejected", "--data-dir", str(self.settings.data_dir), *options]
        )

    def sent(self, name: str = "polls") -> list[tuple[bytes, bytes]]:
        """What was published to an input topic."""
        return asyncio.run(sent(self.settings, name))


@pytest.fixture
def log(make_settings: Callable[..., Settings]) -> Log:
    """A log of the test's own."""
    return Log(make_settings())


def test_every_door_is_shown_and_counted(log: Log) -> None:
    """A record's place, a request's topic, a file's name with its rows."""
    log.fill(
        refused(WRONG),
        refused(WRONG, -1, door=GATEWAY),
        refused(None, -1, door=LOAD, count=1_121, file="polls.csv", reason="bad-json"),
    )
    lines = log.run().output.splitlines()
    assert [line.split("  ")[1:3] for line in lines[0:6:2]] == [
        ["unknown-status", "store-polls/0/0"],
        ["unknown-status", "gateway: store-polls"],
        ["bad-json", "load: polls.csv"],
    ]
    assert lines[4].endswith("1,121 rows")
    assert lines[-2:] == [
        "by door: 1,121 load, 1 topic, 1 gateway",
        "1,123 rejected: 1,121 bad-json, 2 unknown-status",
    ]


def test_a_payload_is_cut_to_the_terminal_unless_all_is_asked_for(log: Log) -> None:
    """Nine hundred kilobytes on one line help nobody."""
    log.fill(refused(b"x" * 10_000), refused("全".encode() * 999, 1))
    for width in (90, 200):
        for line in log.run(columns=width).output.splitlines():
            wide = line.count("全")
            assert len(line) + wide <= width
    assert log.run().output.count("…") == 2
    assert "x" * 10_000 in log.run("--full").output


def test_no_limit_means_none(log: Log) -> None:
    """``--limit 0`` only counts; a negative one is refused."""
    log.fill(refused(WRONG), refused(WRONG, 1))
    assert log.run("--limit", "0").output == "2 rejected: 2 unknown-status\n"
    assert len(log.run("--limit", "1").output.splitlines()) == 3
    assert log.run("--limit", "-1").exit_code == 2


def test_a_terminal_gets_no_escape_sequence(log: Log) -> None:
    """From no field of a record, whoever wrote it."""
    evil = "\x1b[2J\x9b1m\x07\u202e"
    log.fill(refused(evil.encode(), topic=evil, reason=evil, message=evil))
    output = log.run("--full").output
    assert output.replace("\n", "").isprintable()
    assert "\\x1b[2J" in output


def test_a_directory_without_a_log_is_an_error_and_stays_as_it_is(
    tmp_path: Path,
) -> None:
    """A typo is not taken for a worker that refused nothing."""
    for options in ([], ["--replay"]):
        done = CliRunner().invoke(
            main, ["rejected", "--data-dir", str(tmp_path / "typo"), *options]
        )
        assert done.exit_code == 1
        assert "there is no log" in done.output
    assert not (tmp_path / "typo").exists()


def test_what_would_be_refused_again_is_not_sent_again(log: Log) -> None:
    """Only what is understood now; the others are counted by reason."""
    log.fill(
        refused(GOOD, 0, reason="in-the-future"),
        refused(WRONG, 1),
        refused(b"{", 2, reason="bad-json"),
        refused(GOOD, 3, reason="late"),
        refused(b"{}", 4, topic="report-inbox", reason="bad-request"),
        refused(None, -1, door=LOAD, count=7, file="polls.csv"),
        refused(ZONE, 5, topic="store-zones"),
        refused(None, 6, topic="store-zones", key=b"", reason="missing-store-id"),
    )
    output = log.run("--replay").output
    assert output.splitlines()[-1] == "2 published again"
    assert output.startswith(
        "12 not sent, they would be refused again: 7 rows of files"
    )
    for name in ("unknown-status", "bad-json", "late", "missing-store-id"):
        assert f"1 {name}" in output
    assert log.sent() == [(b"a", GOOD)]
    assert log.sent("zones") == [(b"b", ZONE)]


def test_a_command_corrects_what_is_sent_again(log: Log) -> None:
    """It gets one line of JSON a record, and what it gives back is checked."""
    log.fill(refused(WRONG), refused(b'{"store_id":\n"z","status":"on"}', 1))
    output = log.run("--replay", "--edit", """sed 's/"on"/"active"/'""").output
    assert output.splitlines() == [
        "1 not sent, they would be refused again: 1 bad-timestamp;"
        " correct them with --edit",
        "1 published again",
    ]
    assert log.sent() == [(b"a", GOOD)]


def test_what_is_no_json_goes_through_the_command_as_a_string_of_it(log: Log) -> None:
    """Every line is JSON; a string that comes back stands for its text."""
    log.fill(refused(GOOD[:-1] + b",}", reason="bad-json"))
    output = log.run("--replay", "--edit", "sed 's/,}/}/'").output
    assert output == "1 published again\n"
    assert log.sent() == [(b"a", GOOD)]


def test_nothing_is_sent_when_the_command_fails(log: Log) -> None:
    """Half of its output is not what was meant."""
    log.fill(refused(WRONG), refused(ZONE, 1, topic="store-zones"))
    done = log.run("--replay", "--edit", f"echo '{GOOD.decode()}'; exit 3")
    assert done.exit_code == 1
    assert "ended with 3" in done.output
    assert log.sent() == log.sent("zones") == []
    assert log.run("--edit", "cat").exit_code == 2


def test_the_same_record_refused_twice_is_one(log: Log) -> None:
    """A worker that crashed before its ack refuses it again."""
    log.fill(refused(WRONG), refused(WRONG), refused(WRONG, 1))
    assert log.run("--limit", "0").output == "2 rejected: 2 unknown-status\n"


def test_rows_that_load_refuses_are_counted_with_the_others(
    log: Log, tmp_path: Path
) -> None:
    """By file and reason; the rows themselves are in its rejects file."""
    polls = tmp_path / "polls.csv"
    polls.write_text(
        "store_id,status,timestamp_utc\n"
        "a,active,2023-01-25 11:00:00 UTC\n"
        "a,up,2023-01-25 11:00:00 UTC\n"
        "a,down,2023-01-25 11:00:00 UTC\n"
        "a,active,soon\n"
    )
    options = ["--data-dir", str(log.settings.data_dir), "--polls", str(polls)]
    options += ["--max-refused", "0.9"]
    assert CliRunner().invoke(main, ["load", *options]).exit_code == 0
    output = log.run(columns=300).output
    assert output.splitlines()[-1] == "3 rejected: 2 unknown-status, 1 bad-timestamp"
    assert f"load: {polls}  2 rows" in output
    assert "polls.csv.rejects.csv" in output


def test_rows_that_keep_load_from_publishing_are_counted_too(
    log: Log, tmp_path: Path
) -> None:
    """Nothing of the files is published, and yet somebody has sent them."""
    hours, polls = tmp_path / "hours.csv", tmp_path / "polls.csv"
    hours.write_text("store_id,day,start_time_local,end_time_local\na,0,tea,17:00\n")
    polls.write_text(
        "store_id,status,timestamp_utc\na,active,2023-01-25 11:00:00 UTC\n"
    )
    files = ["--polls", str(polls), "--hours", str(hours)]
    options = ["load", "--data-dir", str(log.settings.data_dir), *files]
    assert CliRunner().invoke(main, [*options, "--dry-run"]).exit_code == 1
    assert not log.settings.data_dir.exists()
    assert CliRunner().invoke(main, options).exit_code == 1
    output = log.run(columns=300).output
    assert output.splitlines()[-1] == "1 rejected: 1 bad-time"
    assert f"load: {hours}  1 row" in output
    assert log.sent() == log.sent("hours") == []


def test_what_once_refuses_leaves_no_trace_there(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a dry run of load: neither has sent anything."""
    monkeypatch.chdir(tmp_path)
    rows = ["7,active,2023-01-25 11:00 UTC"] * 3 + ["7,up,2023-01-25 11:00 UTC"]
    Path("polls.csv").write_text("\n".join(["store_id,status,timestamp_utc", *rows]))
    log.fill(refused(b"x"))
    options = ["--polls", "polls.csv"]
    data = ["--data-dir", str(log.settings.data_dir)]
    for command in (["load", "--dry-run", *data], ["once", "--out", "out"]):
        done = CliRunner().invoke(main, [*command, *options])
        assert (done.exit_code, "refused 1 row" in done.stdout) == (0, True)
    assert log.run().output.splitlines()[-1].startswith("1 rejected")


def test_what_load_refused_is_said_though_it_cannot_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is away: that is a warning, and the refusal is still the last word."""
    monkeypatch.chdir(tmp_path)
    Path("polls.csv").write_text("store_id,status,timestamp_utc\na,up,now\n")
    Path("log.db").mkdir()
    options = ["load", "--polls", "polls.csv", "--broker", "sqlite://log.db"]
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 1
    assert "warning: what was refused is not counted: " in done.stderr
    assert "1 of 1 row refused" in done.stderr.splitlines()[-1]
