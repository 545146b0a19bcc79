"""One small file for each way to send a frame. ``catalogue`` lists them."""
