"""What every component of the page needs of Gradio."""
