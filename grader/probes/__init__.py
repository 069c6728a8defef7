"""Instrumented clients: they record what happened and never judge it."""
