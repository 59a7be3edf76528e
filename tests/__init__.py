"""The tests, laid out as the package is; `conftest` says which servers and fixtures there are."""
