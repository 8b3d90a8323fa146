"""Services behind the routes: the model catalogue, training jobs, and data sets."""
