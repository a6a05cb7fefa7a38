"""Web tokens: the only PyJWT, imported when the first of them comes."""
