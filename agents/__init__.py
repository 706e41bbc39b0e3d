"""The Faust agents, one module each, thin: read a batch, call pure code, write.

``polls``     store-polls → table histories
``stores``    store-hours, store-zones → tables hours, zones
``reports``   report-requests → rows of one partition → report-rows
``collector`` report-rows → table reports, combined_report.csv
``timer``     asks the collector for what is due
"""
