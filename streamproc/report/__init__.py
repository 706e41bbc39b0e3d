"""Reports: what is asked for, the rows, and the files that come of it.

A report is computed by the partitions' owners, which send **pieces** (rows as
columns) to the collector. It keeps the pieces on disk until every partition is
complete, then writes the CSV.

``messages``  what travels between the agents
``record``    a report from request to Complete or Failed
``rows``      rows as columns, as JSON pieces and as CSV
``files``     combined_report.csv, reports/<id>.csv, pieces
``workbook``  a CSV as a workbook (.xlsx); ``about``: what its second sheet says
"""
