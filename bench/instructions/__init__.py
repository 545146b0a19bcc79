"""How many instructions a frame costs, counted by Valgrind: the same number each time."""
