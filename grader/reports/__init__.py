"""What people read: the HTML page and the console."""
