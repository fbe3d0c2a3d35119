"""Small networks that are made to run at the pace of a video: one family a file."""
