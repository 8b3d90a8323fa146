"""bestguess up: starts, watches and ends Redis, the API and the worker."""
