"""The kinds of files that tables are handed out as."""

from streamproc.report.workbook import MEDIA_TYPE

CSV, XLSX = "text/csv", MEDIA_TYPE
