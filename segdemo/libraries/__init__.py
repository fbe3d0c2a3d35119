"""Networks that other libraries saved and build themselves; each library is an optional extra."""
