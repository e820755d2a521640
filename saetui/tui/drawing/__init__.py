"""Drawing in a terminal: plots as lines of characters, for widgets and for standard output alike."""
