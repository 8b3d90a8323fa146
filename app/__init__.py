"""The web service: HTTP in, best guesses out."""
