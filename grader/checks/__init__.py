"""The checks of an assignment, run by pytest in a child process that reports over a private pipe."""
