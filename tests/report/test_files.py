"""The report directory: every file in it appears whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streamproc.errors import ReportFailedError
from streamproc.report.files import ReportFiles
from streamproc.report.hourly import hourly_request
from streamproc.report.messages import ALL, Piece
from streamproc.report.record import RUNNING, Part, Report
from streamproc.report.rows import Rows, encode_rows

ROOT = Path(__file__).parents[2]
REPORT = Report(
    report_id="r1",
    kind=ALL,
    as_of="now",
    requested_us=0,
    store_id=None,
    state=RUNNING,
    as_of_us=0,
    created_us=0,
    progress_us=0,
    collector="me",
)

MAKE_ROWS = """
import sys
from pathlib import Path
from tests.report.test_files import REPORT, rows_of_ids
from streamproc.report.files import ReportFiles
files = ReportFiles(Path(sys.argv[1]))
"""
WRITE_FOR_EVER = (
    MAKE_ROWS
    + """
versions = [rows_of_ids(f"{name}-{n}" for n in range(20_000)) for name in "ab"]
for n in range(sys.maxsize):
    files.write(REPORT, versions[n % 2], combined=True)
    print(n, flush=True)
"""
)
WRITE_WITH_LITTLE_SPACE = (
    MAKE_ROWS
    + """
import resource
rows = rows_of_ids(f"new-{n}" for n in range(20_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    files.write(REPORT, rows, combined=True)
except OSError as exc:
    print(exc.strerror)
"""
)
WRITE_ACCENTS = (
    MAKE_ROWS
    + """
files.write(REPORT, rows_of_ids(["caf\\u00e9", "\\u5e97"]), combined=True)
"""
)


@pytest.fixture
def files(tmp_path: Path) -> ReportFiles:
    """An empty report directory, which does not exist yet."""
    return ReportFiles(tmp_path / "reports-root")


def rows_of_ids(ids: object) -> Rows:
    """Rows of stores that were never up."""
    names = [str(name) for name in ids]  # type: ignore[attr-defined]
    nothing = np.zeros((3, len(names)), np.int64)
    return Rows(names, nothing, nothing, nothing, nothing, np.full(len(names), -1))


def ids_in(path: Path) -> list[str]:
    """The ids in a file, below its header."""
    return [line.split(",")[0] for line in path.read_text("utf-8").splitlines()[1:]]


def everything(root: Path) -> set[str]:
    """All files below a directory, hidden ones too."""
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


def run_python(
    script: str, *arguments: object, **environ: str
) -> "subprocess.Popen[str]":
    """Start Python on a script, with the arguments in ``sys.argv``."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
    )


def piece_of(
    ids: list[str],
    report_id: str = "r1",
    attempt: int = 1,
    partition: int = 0,
    number: int = 0,
) -> Piece:
    """A piece with rows of these ids."""
    body = encode_rows(rows_of_ids(ids))
    return Piece(report_id, attempt, partition, number, len(ids), False, body)


def collected(files: ReportFiles, parts: dict[int, list[list[str]]]) -> Report:
    """A report whose pieces are all on disk."""
    for partition, pieces in parts.items():
        for number, ids in enumerate(pieces):
            files.keep_piece(piece_of(ids, partition=partition, number=number))
    counts = {
        p: Part(pieces=len(some), expected=len(some)) for p, some in parts.items()
    }
    return replace(REPORT, parts=counts)


# -- files that are whole --------------------------------------------------------


def test_a_report_is_written_with_the_combined_file(files: ReportFiles) -> None:
    """The two are alike, and everybody may read them."""
    files.write(REPORT, rows_of_ids(["a", "é"]), combined=True)
    assert ids_in(files.combined) == ["a", "é"]
    assert files.combined.read_bytes() == files.path("r1").read_bytes()
    assert everything(files.root) == {"combined_report.csv", "reports/r1.csv"}
    assert files.combined.stat().st_mode & 0o777 == 0o644
    assert files.path("r1").stat().st_mode & 0o777 == 0o644


def test_a_report_of_some_stores_leaves_the_combined_file(files: ReportFiles) -> None:
    """Without ``combined`` only its own file is written."""
    files.write(REPORT, rows_of_ids(["a", "b"]), combined=True)
    files.write(replace(REPORT, report_id="r2"), rows_of_ids(["a"]), combined=False)
    assert ids_in(files.combined) == ["a", "b"]
    assert ids_in(files.path("r2")) == ["a"]


def test_a_report_without_stores_is_a_header(files: ReportFiles) -> None:
    """An empty fleet has a file too."""
    files.write(REPORT, rows_of_ids([]), combined=True)
    assert files.combined.read_text().count("\n") == 1


def test_a_repeat_replaces_the_file(files: ReportFiles) -> None:
    """A shorter report leaves nothing of a longer one."""
    for ids in (["a", "b", "c"], ["a"]):
        files.write(REPORT, rows_of_ids(ids), combined=True)
    assert ids_in(files.combined) == ids_in(files.path("r1")) == ["a"]


def test_the_files_are_alike_in_any_locale(files: ReportFiles) -> None:
    """Their text is UTF-8, whatever the system's encoding is."""
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    writer = run_python(WRITE_ACCENTS, files.root, **environ)
    writer.communicate(timeout=120)
    assert writer.returncode == 0
    assert ids_in(files.path("r1")) == ids_in(files.combined) == ["café", "店"]


def test_a_write_that_fails_leaves_the_old_files(files: ReportFiles) -> None:
    """What cannot be written to its end is not there, not even for a moment."""
    files.write(REPORT, rows_of_ids(["old"]), combined=True)
    broken = rows_of_ids([*(f"new-{n}" for n in range(20_000)), "\ud800"])
    with pytest.raises(UnicodeEncodeError):
        files.write(REPORT, broken, combined=True)
    assert ids_in(files.combined) == ids_in(files.path("r1")) == ["old"]
    assert everything(files.root) == {"combined_report.csv", "reports/r1.csv"}


@pytest.mark.parametrize("limit", [0, 10, 5_000, 300_000])
def test_a_full_disk_leaves_the_old_files_and_nothing_else(
    files: ReportFiles, limit: int
) -> None:
    """The error is the system's, and no temp file takes what space there is."""
    files.write(REPORT, rows_of_ids(["old"]), combined=True)
    writer = run_python(WRITE_WITH_LITTLE_SPACE, files.root, limit)
    out, _ = writer.communicate(timeout=120)
    assert out == "File too large\n"
    assert ids_in(files.combined) == ids_in(files.path("r1")) == ["old"]
    assert everything(files.root) == {"combined_report.csv", "reports/r1.csv"}


def test_a_reader_never_sees_half_a_file(files: ReportFiles) -> None:
    """At any moment the file is one of the versions, from header to last row."""
    versions = [rows_of_ids(f"{name}-{n}" for n in range(3_000)) for name in "ab"]
    whole = set()
    for version in versions:
        files.write(REPORT, version, combined=True)
        whole.add(files.combined.read_bytes())
    done = threading.Event()

    def write() -> None:
        for n in range(30):
            files.write(REPORT, versions[n % 2], combined=True)
        done.set()

    seen = set()
    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        seen |= {files.combined.read_bytes(), files.path("r1").read_bytes()}
    writer.join()
    assert seen <= whole
    assert everything(files.root) == {"combined_report.csv", "reports/r1.csv"}


def test_a_kill_leaves_whole_files(files: ReportFiles) -> None:
    """After kill -9 in the middle of a write both files are whole."""
    for _ in range(3):
        writer = run_python(WRITE_FOR_EVER, files.root)
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=120)
        for path in (files.combined, files.path("r1")):
            ids = ids_in(path)
            assert ids == [f"{ids[0][0]}-{n}" for n in range(20_000)]


@pytest.mark.parametrize("taken", ["reports-root", "reports-root/reports"])
def test_a_directory_that_cannot_be_written_is_an_error(
    files: ReportFiles, taken: str
) -> None:
    """Nothing is passed over in silence: the caller gets the system's error."""
    path = files.root.parent / taken
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file is in the way")
    with pytest.raises(OSError, match="reports"):
        files.write(REPORT, rows_of_ids(["a"]), combined=True)
    with pytest.raises(OSError, match="reports"):
        files.keep_piece(piece_of(["a"]))
    assert path.read_text() == "a file is in the way"


def test_a_combined_file_that_cannot_be_replaced_is_an_error(
    files: ReportFiles,
) -> None:
    """A directory in its place stays; the report's own file is there."""
    files.combined.mkdir(parents=True)
    with pytest.raises(OSError, match="combined"):
        files.write(REPORT, rows_of_ids(["a"]), combined=True)
    assert ids_in(files.path("r1")) == ["a"]
    assert everything(files.root) == {"reports/r1.csv"}


# -- pieces ----------------------------------------------------------------------


def test_pieces_are_loaded_as_one_sorted_report(files: ReportFiles) -> None:
    """Partitions and numbers do not show: the rows are sorted by id."""
    report = collected(files, {2: [["d"], ["a", "f"]], 0: [["e", "b"]], 1: [[]]})
    assert files.load(report).store_ids == ["a", "b", "d", "e", "f"]


def test_many_pieces_are_loaded_in_full(files: ReportFiles) -> None:
    """More than ten of a partition, too."""
    report = collected(files, {0: [[f"{n:02}"] for n in range(25)]})
    assert files.load(report).store_ids == [f"{n:02}" for n in range(25)]


def test_a_repeated_piece_replaces_itself(files: ReportFiles) -> None:
    """A piece that comes twice counts once."""
    report = collected(files, {0: [["a"], ["b"]]})
    files.keep_piece(piece_of(["b"], number=1))
    assert files.load(report).store_ids == ["a", "b"]


def test_pieces_of_other_attempts_and_reports_do_not_count(files: ReportFiles) -> None:
    """Each attempt of each report has its own."""
    report = collected(files, {0: [["a"]]})
    files.keep_piece(piece_of(["x"], attempt=2))
    files.keep_piece(piece_of(["y"], "r2"))
    assert files.load(report).store_ids == ["a"]


@pytest.mark.parametrize("content", [None, b"", b"half"], ids=["gone", "empty", "half"])
def test_a_lost_piece_fails_the_report(
    files: ReportFiles, content: bytes | None
) -> None:
    """A report that lacks rows must never replace a good one."""
    report = collected(files, {0: [["a"], ["b"]], 1: [["c"]]})
    lost = next(
        path for path in files.root.rglob("*.piece") if b'"b"' in path.read_bytes()
    )
    if content is None:
        lost.unlink()
    else:
        lost.write_bytes(lost.read_bytes()[:40] if content == b"half" else content)
    with pytest.raises(ReportFailedError, match="lost"):
        files.load(report)


def test_pieces_are_dropped_with_their_report_only(files: ReportFiles) -> None:
    """Dropping twice does no harm, and the finished files stay."""
    report = collected(files, {0: [["a"]]})
    files.keep_piece(piece_of(["x"], "r2"))
    files.write(report, files.load(report), combined=True)
    before = everything(files.root)
    for _ in range(2):
        files.drop_pieces("r1")
    left = everything(files.root)
    assert {"combined_report.csv", "reports/r1.csv"} < left < before
    assert len(left) == 3
    with pytest.raises(ReportFailedError):
        files.load(report)


def test_deleting_a_report_leaves_the_combined_file(files: ReportFiles) -> None:
    """Its own file and its pieces go; deleting twice does no harm."""
    report = collected(files, {0: [["a"]]})
    files.write(report, files.load(report), combined=True)
    for _ in range(2):
        files.delete("r1")
    assert everything(files.root) == {"combined_report.csv"}


def test_every_report_id_has_a_file_of_its_own(files: ReportFiles) -> None:
    """The path lies in the report directory."""
    request = hourly_request(0)
    path = files.path(request.report_id)
    assert path.parent == files.root / "reports"
    assert path != files.path("r1")


def test_what_a_killed_process_left_half_written_is_tidied_up(tmp_path: Path) -> None:
    """Old leftovers go; what may be being written now, and reports, stay."""
    files = ReportFiles(tmp_path)
    (tmp_path / "reports").mkdir()
    old = tmp_path / "reports" / ".r1.csv.unfinished-abc"
    new = tmp_path / ".combined_report.csv.unfinished-def"
    for path in (old, new, files.combined):
        path.write_text("half")
    os.utime(old, (1_000, 1_000))
    files.tidy(before_s=2_000)
    assert (old.exists(), new.exists(), files.combined.exists()) == (False, True, True)
