"""Routes: each translates an HTTP request to a call of a service, and the result back."""
