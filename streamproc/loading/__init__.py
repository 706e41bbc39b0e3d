"""From files to topics: ``csv_files`` reads and checks, ``loader`` publishes."""
