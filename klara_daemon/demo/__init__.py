"""The whole story in small: a private Postgres, a Recruitee and a telephone network that speak the vendors' formats."""
