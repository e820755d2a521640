"""The kinds of job, one folder per kind: its spec, and the task that runs it."""
