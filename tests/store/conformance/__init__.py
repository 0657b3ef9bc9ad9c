"""What every database must hold to; the fixtures `place` and `store` say which one it is."""
