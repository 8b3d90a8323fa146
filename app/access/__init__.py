"""Who may: keys and their file, what each may do, and how often."""
