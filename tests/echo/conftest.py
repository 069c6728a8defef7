"""What lies here is installed and graded by tests, and is none itself."""

collect_ignore = ["assignments", "package", "submissions"]
