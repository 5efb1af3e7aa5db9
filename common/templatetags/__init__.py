"""Template tags that every layer may use."""
