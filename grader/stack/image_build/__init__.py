"""Building a submission's images: what there is to build, the builder with its limits, its only way out."""
