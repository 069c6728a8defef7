"""Proof that an assignment's checks are right: references pass all of them, each mutant fails for its own reason."""
