"""One module for each kind of file that Pillow does not hand over as it is."""
