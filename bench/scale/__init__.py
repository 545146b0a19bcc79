"""How the cost of a frame grows with what is around it, beside how it should grow."""
