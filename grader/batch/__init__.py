"""Many submissions: a class as it comes, graded on one machine or several, resumable, with a gradebook at the end."""
