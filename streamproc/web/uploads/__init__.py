"""CSV files from the page: tried first, and published when somebody says so."""
