"""One pure NumPy function for each lax primitive, used eagerly and by generated source."""
