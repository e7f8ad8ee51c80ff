"""Upload, limits, queue, worker and scores."""
