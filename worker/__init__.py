"""The training half: a Celery worker."""
