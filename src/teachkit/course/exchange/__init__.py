"""Work of a class in a bucket: where each thing lies, and what an archive may hold."""
