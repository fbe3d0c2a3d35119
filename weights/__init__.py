"""The shipped checkpoints and the recipe that makes them."""
