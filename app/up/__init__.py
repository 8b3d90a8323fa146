"""`bestguess up`: one supervisor in the foreground, and the processes that it keeps running."""
