"""A student at work: a stack that stays up to be looked at, and one that follows the files as they change."""
