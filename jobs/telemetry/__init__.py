"""How both halves say what they do: the form of the log, and traces."""
