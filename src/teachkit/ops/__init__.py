"""Around the course: what runs it on a build machine."""
