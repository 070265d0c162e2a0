"""What the figures of all reports share: canvas, styles and labels."""
