"""Layer edge: the command line. Everything a user touches."""
