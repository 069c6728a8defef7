"""Results on their way back into the students' GitHub repositories, through the `gh` client."""
