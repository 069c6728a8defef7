"""The types that the stages meet through: frozen structs, no files, no Docker."""
