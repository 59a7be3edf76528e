"""The spoken conversation as a pure state machine: `step(script, state, heard) -> (state, actions)`."""
