"""Every action of a person as one typed command; how commands are recorded and replayed."""
