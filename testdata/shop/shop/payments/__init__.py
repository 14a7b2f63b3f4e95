"""Taking money, giving it back, and books that balance."""
