"""What whoever runs the server relies on: limits, fair turns, health, shutdown, cleaning up."""
