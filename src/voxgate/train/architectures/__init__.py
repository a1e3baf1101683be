"""Networks from features to an embedding, one file each."""
