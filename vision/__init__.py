"""What both halves know of pictures and pretrained networks; neither HTTP nor Redis nor Celery."""
