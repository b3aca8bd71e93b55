"""What may leave the process and in which form: safe values and the content gate, as pure functions."""
