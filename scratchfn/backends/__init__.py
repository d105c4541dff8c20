"""Where a traced program runs: one package for each engine."""
