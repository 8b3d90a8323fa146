"""`bestguess doctor`: what an operator gets wrong, and what to do about it."""
