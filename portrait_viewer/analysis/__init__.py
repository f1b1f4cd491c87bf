"""Jobs and their results: the row is the truth, tasks are idempotent."""
