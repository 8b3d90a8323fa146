"""`bestguess bench`: what this machine is worth, measured; each part in a process of its own."""
