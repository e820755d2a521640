"""One kind of job: its spec and its task."""
