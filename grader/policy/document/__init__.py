"""Reading what a submission wrote: bounded YAML with places, interpolation from its own `.env` alone."""
