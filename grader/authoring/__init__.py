"""What the author of an assignment writes with; everything of it is imported from `grader`."""
