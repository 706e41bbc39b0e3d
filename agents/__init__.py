"""The Faust agents, one module each, thin: read a batch, call pure code, write.

``polls``            store-polls → table histories
``stores``           store-hours, store-zones → tables hours, zones
``events``           boards → store-events, table announced
``report_rows``      report-orders → rows of one partition → report-inbox
``report_collector`` report-inbox → table reports, combined_report.csv
``report_timer``     asks the collector for what is due
"""
