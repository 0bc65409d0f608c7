"""Mathematics: from notation to trees to values."""
