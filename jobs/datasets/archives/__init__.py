"""Archives that somebody sent, read a file at a time; nothing in them is believed, or names a file of ours."""
