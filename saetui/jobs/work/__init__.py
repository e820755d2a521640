"""What several kinds of job share: SAEs, models and words kept warm, files in the store, and patience with the disk."""
