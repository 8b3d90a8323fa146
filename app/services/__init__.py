"""What the routes offer: models, jobs and data sets, over the stores of jobs."""
