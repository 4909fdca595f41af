"""The command line, `zanni`."""
