"""Screen 4: hard tokens."""
