"""Reports: what is asked for, the rows, and the files that come of it.

A report is computed by the partitions' owners, which send **pieces** (rows as
columns) to the collector. It keeps the pieces on disk until every partition is
complete, then writes the CSV.

``state``  request, record, and how the record changes
``rows``   rows as columns, as JSON pieces and as CSV
``files``  combined_report.csv, reports/<id>.csv, pieces
"""
