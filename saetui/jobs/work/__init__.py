"""What each kind of job does: one file a kind; science on one side, rows for the store on the other."""
