"""Image decoding, in processes of their own."""
