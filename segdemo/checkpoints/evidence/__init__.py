"""What the batch norms of a network tell of its wiring and of the images it was trained on."""
