//! What qik knows about Python.
