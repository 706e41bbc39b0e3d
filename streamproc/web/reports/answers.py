"""A report as the API tells of it."""

from typing import Any

from streamproc.report import record
from streamproc.report.record import Report, time_text


def progress_json(report: Report) -> dict[str, Any]:
    """What ``/get_report`` says of a report."""
    said: dict[str, Any] = {"report_id": report.report_id, "status": report.state}
    if report.as_of_us is not None:
        said["as_of"] = time_text(report.as_of_us)
    if report.state == record.RUNNING:
        said["progress"] = progress(report)
    elif report.state == record.COMPLETE:
        said |= {"url": f"/reports/{report.report_id}.csv", "rows": report.rows}
    else:
        said["error"] = report.error
    return said


def progress(report: Report) -> dict[str, int]:
    """How far a running report is."""
    parts = report.parts.values()
    return {
        "partitions": len(report.parts),
        "partitions_complete": report.complete_parts,
        "rows": sum(part.rows for part in parts),
        "behind": sum(part.behind for part in parts),
        "attempt": report.attempt,
    }


def report_json(report: Report) -> dict[str, Any]:
    """A report's whole record as the API shows it."""
    end_us = report.finished_us
    return {
        **progress_json(report),
        "kind": report.kind,
        "store_id": report.store_id,
        "as_of_asked": report.as_of
        if isinstance(report.as_of, str)
        else time_text(report.as_of),
        "created": time_text(report.created_us),
        "finished": None if end_us is None else time_text(end_us),
        "duration_s": None if end_us is None else (end_us - report.created_us) / 1e6,
        "rows": report.rows,
        "error": report.error,
        "attempt": report.attempt,
    }
