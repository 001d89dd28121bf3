"""Layer compose: play a scenario, keep its run folder. Knows no terminal of the user's and no browser."""
