"""The only SQL: plain functions, transaction first, one module per table family."""
