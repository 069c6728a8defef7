"""What programs read: result.json and, later, the formats of platforms."""
