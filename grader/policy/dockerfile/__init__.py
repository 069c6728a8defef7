"""Dockerfiles: parsed, judged instruction by instruction, and written anew."""
